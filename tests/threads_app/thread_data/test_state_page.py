"""The tab State: what it shows, hides and survives."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.urls import reverse

from checkpoints_app.models import Blob
from checkpoints_app.services import inspecting
from threadhub.kernel import acts, clock
from threads_app.models import Thread
from threads_app.selectors import snapshots
from threads_app.services import state

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]

Open = Callable[[Any], Any]
CANARY = "canary0123456789"


def written(thread: Thread, **values: Any) -> None:
    state.update(thread=thread, values=values, as_node="check", now=clock.now())
    thread.refresh_from_db()


def test_the_channels_are_shown_with_their_writers(pages: Open, owner: Any) -> None:
    text = pages(owner).text("state")

    assert "BinaryOperatorAggregate" in text
    for told in ("write, step 1", "check, step 2", "start, step 0", "asks a question"):
        assert told in text


def test_who_wrote_a_channel_is_right_where_nodes_ran_beside_each_other(
    make_thread: Callable[[str], Thread], run: Callable[..., None]
) -> None:
    thread = make_thread("fanning")
    run(thread, input={"notes": ["asked"]})
    moment = snapshots.at(thread)

    origins = snapshots.origins(thread, moment)
    told = {name: one and (one.nodes, one.checkpoint.step) for name, one in origins.items()}

    assert told["api_key"] == (("right",), 2)
    assert told["notes"] == (("work",), 3)
    assert told["draft"] == (("end",), 4)


def test_a_secret_is_nowhere_on_the_page(pages: Open, owner: Any) -> None:
    opened = pages(owner)
    looked = [
        opened.text("state"),
        opened.text("state", channel="api_key", path=""),
        opened.text("state_part", channel="api_key", path="", whole=""),
        opened.text("state_download"),
        opened.text("checkpoints"),
        opened.text("checkpoints", all="1"),
        opened.text("fork"),
    ]

    assert not [text for text in looked if CANARY in text]
    assert "hidden" in looked[0]


def test_searching_for_a_secret_does_not_find_it(pages: Open, owner: Any) -> None:
    assert "No key and no visible value" in pages(owner).text("state", q="sk-live")


def test_searching_finds_keys_and_values(pages: Open, owner: Any) -> None:
    text = pages(owner).text("state", q="invoice crm.LOOKUP"[8:])

    assert "tool_calls" in text and "crm.lookup" in text


def test_messages_are_read_as_a_conversation(pages: Open, owner: Any) -> None:
    text = pages(owner).text("state", talk="messages")

    assert "Renew customer 3" in text and "I wrote a draft." in text
    assert "crm.lookup" in text and "1 to 2 of 2" in text


def test_what_is_inside_is_fetched_by_page(
    pages: Open, owner: Any, thread: Thread, query_counts: Callable[[str], AbstractContextManager]
) -> None:
    written(thread, notes=[f"note {number}" for number in range(450)])
    opened = pages(owner)

    with query_counts("console: state of a thread"):
        first = opened.text("state")
    page = opened.text("state_part", channel="notes", path="")
    last = opened.text("state_part", channel="notes", path="", start="400")

    assert "note 5" not in first
    assert "note 197" in page and "note 198" not in page and "from 201 of 452" in page
    assert "note 449" in last and "Show more" not in last


def test_a_long_text_is_cut_and_shown_whole_on_request(
    pages: Open, owner: Any, thread: Thread
) -> None:
    written(thread, draft="word " * 1000 + "the end")
    opened = pages(owner)

    assert "the end" not in opened.text("state")
    assert "the end" in opened.text("state_part", channel="draft", path="", whole="")
    assert "the end" in opened.text("state", channel="draft", path="")


def test_the_download_is_the_whole_state_as_json(pages: Open, owner: Any) -> None:
    told = json.loads(pages(owner).text("state_download"))

    assert told["next"] == ["approve"]
    assert told["values"]["notes"] == ["asked", "written"]
    assert told["values"]["api_key"] == "••••••"


def test_an_earlier_moment_has_its_own_values(pages: Open, owner: Any, thread: Thread) -> None:
    rows = {row.step: row for row in inspecting.outlines(key=thread.public_id)}

    text = pages(owner).text("state", checkpoint=rows[0].checkpoint_id)

    assert "At step 0" in text and "Show the head" in text
    assert "Dear 1 readers" not in text


def test_the_state_of_a_subgraph_can_be_chosen(pages: Open, owner: Any, thread: Thread) -> None:
    inner = next(ns for ns in inspecting.namespaces(key=thread.public_id, limit=9) if ns)

    text = pages(owner).text("state", ns=inner)

    assert "looked" in text and "Editing is off in a subgraph" in text


HOSTILE = {
    "script": "<script>alert(1)</script>",
    "'\"><img src=x onerror=alert(1)>": "{{ 7|add:7 }} {% load x %}",
    "k" * 100_000: 1,
    "nan": float("nan"),
    "infinite": float("-inf"),
    "bytes": b"\x00\xff" * 8,
    "nul": "a\x00b\ud800",
    "empty": {"": [], "none": None},
    "big": 10**300,
}


def test_hostile_values_are_shown_as_text(pages: Open, owner: Any, thread: Thread) -> None:
    deep: Any = "bottom"
    for _ in range(150):
        deep = [deep]
    written(thread, plan=[{**HOSTILE, 7: "number", b"b": 1}, deep, {(1, 2): "pair"}])
    opened = pages(owner)

    texts = [
        opened.text("state", q="a"),
        opened.text("state_part", channel="plan", path="0"),
        opened.text("state_part", channel="plan", path="1" + ".0" * 148),
        opened.text("checkpoints"),
        opened.text("fork"),
    ]
    json.loads(opened.text("state_download"))

    assert not [text for text in texts if "<script>alert" in text or "<img src=x" in text]
    assert "&lt;script&gt;" in texts[1] and "bytes, 16 B" in texts[1] and "nan" in texts[1]
    assert all(len(text) < 200_000 for text in texts[:3])


def test_a_place_that_is_not_there_is_not_found(pages: Open, owner: Any) -> None:
    opened = pages(owner)
    paths = ["9", "a", "0.x", "-1", "-1.5", "7" * 9000, "…", "1.1.1.1", "²"]
    moments = [{"checkpoint": "nope"}, {"ns": "x:y"}, {"checkpoint": "²"}]

    told = [opened.get("state_part", channel="plan", path=path) for path in paths]
    told += [opened.get(name, **query) for name in ("state", "state_part") for query in moments]

    assert {answer.status_code for answer in told} == {404}


def test_a_damaged_value_spoils_no_other(pages: Open, owner: Any, thread: Thread) -> None:
    written(thread, draft="long enough to stand alone " * 20)
    blobs = Blob.objects.filter(head=thread.head)
    digest = snapshots.at(thread).channel("draft").digest  # type: ignore[union-attr]
    with acts.act("test.damage"):
        damaged = blobs.filter(hash=bytes.fromhex(digest)).update(data=b"garbage", codec=1)
    opened = pages(owner)

    text = opened.text("state")

    assert damaged == 1
    assert "Cannot be read" in text and digest in text
    assert "write, step 1" in text
    assert "draft" in json.loads(opened.text("state_download"))["unreadable"]
    assert "Unreadable" in opened.text("checkpoints")
    assert "cannot be read" in opened.text("fork")


def test_a_missing_value_is_named(pages: Open, owner: Any, thread: Thread) -> None:
    written(thread, draft="long enough to stand alone " * 20)
    digest = snapshots.at(thread).channel("draft").digest  # type: ignore[union-attr]
    Blob.objects.filter(head=thread.head, hash=bytes.fromhex(digest)).delete()

    assert "The stored value is missing." in pages(owner).text("state")


def test_a_thread_without_state_says_so(
    owner: Any, make_thread: Callable[[str], Thread], pages: Open
) -> None:
    bare = make_thread("review")
    client = pages(owner)._client

    for tab, told in (("state", "Nothing is stored yet"), ("checkpoints", "no checkpoints yet")):
        text = client.get(reverse(f"admin:threads_app_thread_{tab}", args=[bare.pk]))
        assert told in text.content.decode()


def test_each_person_gets_what_they_may_see(
    pages: Open, stranger: Any, share: Callable[[str, str], Any]
) -> None:
    viewer, auditor = share("viewer", "vera"), share("auditor", "audrey")
    tabs = ("state", "state_part", "state_download", "checkpoints")
    query = {"channel": "plan"}

    told = {
        name: {pages(user).get(tab, **query).status_code for tab in tabs}
        for name, user in {"viewer": viewer, "auditor": auditor, "stranger": stranger}.items()
    }

    assert told == {"viewer": {200}, "auditor": {403}, "stranger": {404}}
    assert "you may read this thread, not change it" in pages(viewer).text("state")

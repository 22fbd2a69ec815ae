"""The tab Checkpoints, and forking from it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from html import unescape
from typing import Any

import pytest

from checkpoints_app.services import inspecting
from services.observing import values
from threadhub.kernel import acts, clock
from threadhub.kernel.rbac import roles
from threads_app.models import Run, Thread
from threads_app.selectors import branches
from threads_app.services import forks, state
from threads_app.services.forks import Fork

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]

Open = Callable[[Any], Any]


def steps(thread: Thread) -> dict[int, str]:
    """Return the first checkpoint of each step."""
    rows = inspecting.outlines(key=thread.public_id)
    return {row.step: row.checkpoint_id for row in rows if row.step is not None}


@pytest.fixture
def forked(thread: Thread, owner: Any) -> str:
    """The id of a fork of step 1."""
    order = Fork(checkpoint_id=steps(thread)[1], name="retry")
    return forks.create(thread=thread, fork=order, actor=owner, now=clock.now())


def form_of(text: str) -> dict[str, str]:
    """Return what a browser would send of the fork's form."""
    form = text[text.index('<form class="grid') :]
    hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form)
    areas = re.findall(r'<textarea[^>]* name="([^"]+)"[^>]*>(.*?)</textarea>', form, re.DOTALL)
    return {name: unescape(value) for name, value in [*hidden, *areas]}


def test_the_tree_shows_branches_heads_and_who_made_them(
    pages: Open, owner: Any, forked: str, query_counts: Callable[[str], AbstractContextManager]
) -> None:
    opened = pages(owner)

    with query_counts("console: checkpoints of a thread"):
        text = opened.text("checkpoints")

    assert text.count("tree__item") == 5
    assert "2 fork" in text and "1 write" in text and "retry" in text and "main" in text
    assert text.count("tree__node--head") == 1 and text.count("tree__node--fork") == 2


def test_the_newest_is_compared_with_its_parent(pages: Open, owner: Any) -> None:
    text = pages(owner).text("checkpoints")

    assert "1 write to 2 check" in text and "1 of 6 channels differ" in text
    assert "<del>open</del><ins>done</ins>" in text and "[a].status" in text


def test_any_two_can_be_compared(pages: Open, owner: Any, thread: Thread) -> None:
    known = steps(thread)

    text = pages(owner).text("checkpoints", a=known[0], b=known[2])

    assert "0 start to 2 check" in text
    assert "[m2]" in text and "I wrote a draft." in text
    assert "Unchanged" in text and "api_key" not in text
    assert "api_key" in pages(owner).text("checkpoints", a=known[0], b=known[2], all="1")


def test_values_that_differ_only_where_they_are_hidden_say_so(
    pages: Open, owner: Any, thread: Thread
) -> None:
    state.update(
        thread=thread, values={"api_key": "sk-live-other0123456"}, as_node="check", now=clock.now()
    )

    text = pages(owner).text("checkpoints")

    assert "They differ only in values that are hidden." in text and "other0123456" not in text


def test_many_changes_are_counted_not_listed(pages: Open, owner: Any, thread: Thread) -> None:
    plan = [f"point {number}" for number in range(412)]
    state.update(thread=thread, values={"plan": plan}, as_node="check", now=clock.now())

    assert "… 312 more changes" in pages(owner).text("checkpoints")


def test_older_checkpoints_stand_on_further_pages(
    pages: Open, owner: Any, thread: Thread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(branches, "PAGE", 2)
    opened = pages(owner)

    first = opened.text("checkpoints")
    second = opened.text("checkpoints", before=steps(thread)[1])

    assert "2 check" in first and first.count("tree__item") == 2 and "Older" in first
    assert second.count("tree__item") == 2 and "Newest" in second and "Older" not in second


def test_a_fork_is_made_from_the_page(pages: Open, owner: Any, thread: Thread) -> None:
    opened = pages(owner)
    with_form = opened.text("fork", checkpoint=steps(thread)[1])
    form = form_of(with_form) | {"name": "again", "reason": "Ticket 4", "as_node": "write"}

    answer = opened.post("fork", **form)

    head = inspecting.head_id(key=thread.public_id)
    assert "Will run again" in with_form and "check" in with_form
    assert answer.status_code == 303 and answer["Location"].endswith(f"?b={head}")
    assert "Nothing has run yet" in opened.text("checkpoints", b=head)
    # Nothing was edited, so the checkpoint itself is repeated.
    assert inspecting.outlines(key=thread.public_id)[0].source == "fork"


def test_an_edit_goes_with_the_fork(pages: Open, owner: Any, thread: Thread) -> None:
    opened = pages(owner)
    form = form_of(opened.text("fork", checkpoint=steps(thread)[2]))
    form["edit:draft"] = json.dumps("Short")
    # Browsers send line ends of their own.
    form["edit:plan"] = form["edit:plan"].replace("\n", "\r\n")

    answer = opened.post("fork", **form, name="short", as_node="check")

    assert answer.status_code == 303
    assert values(thread)["draft"] == "Short"
    assert values(thread)["api_key"].startswith("sk-live-canary")


def test_a_fork_runs_at_once_where_asked(pages: Open, owner: Any, thread: Thread) -> None:
    opened = pages(owner)
    form = form_of(opened.text("fork", checkpoint=steps(thread)[1])) | {"name": "go", "run": "1"}

    answers = [opened.post("fork", **form) for _ in range(2)]

    assert answers[0].status_code == 303
    assert Run.objects.filter(thread=thread).active().count() == 1


REFUSED: list[tuple[dict[str, str], str]] = [
    ({"edit:draft": "{"}, "This is not JSON"),
    ({"edit:draft": "NaN"}, "This is not JSON"),
    ({"edit:draft": "[" * 5000}, "This is not JSON"),
    ({"edit:plan": "[" * 900 + "]" * 900}, "This"),
    ({"edit:draft": "7"}, "This must stay a str."),
    ({"edit:draft": '"x"', "as_node": ""}, "Choose the node"),
    ({"name": " "}, "1 to 60 characters"),
    ({"as_node": "nobody"}, "does not exist"),
]


def test_a_refusal_stands_beside_its_field_and_keeps_what_was_typed(
    pages: Open, owner: Any, thread: Thread
) -> None:
    opened = pages(owner)
    form = form_of(opened.text("fork", checkpoint=steps(thread)[2]))
    kept = {"name": "kept", "reason": "kept reason", "as_node": "check"}

    answers = [opened.post("fork", **{**form, **kept, **typed}) for typed, _ in REFUSED]

    assert {answer.status_code for answer in answers} == {422}
    texts = [unescape(answer.content.decode()) for answer in answers]
    assert [told in text for text, (_, told) in zip(texts, REFUSED, strict=True)] == [True] * 8
    typed = [value for fields, _ in REFUSED for value in fields.values()]
    shown = [text for text, (fields, _) in zip(texts, REFUSED, strict=True) for _ in fields]
    assert all(value in text for value, text in zip(typed, shown, strict=True))
    assert all("kept reason" in text for text in texts)


def test_a_form_about_a_checkpoint_that_is_not_there_is_not_found(pages: Open, owner: Any) -> None:
    opened = pages(owner)
    form = form_of(opened.text("fork")) | {"name": "lost", "checkpoint": "nope"}

    assert opened.post("fork", **form).status_code == 404
    assert opened.get("fork", checkpoint="nope").status_code == 404


def test_a_form_that_is_out_of_date_is_refused(
    pages: Open, owner: Any, thread: Thread, forked: str
) -> None:
    opened = pages(owner)
    form = form_of(opened.text("fork", checkpoint=forked)) | {"name": "late", "head": "older"}

    answer = opened.post("fork", **form)

    assert answer.status_code == 409
    assert "has gone on since" in answer.content.decode()


def test_a_run_under_way_turns_forking_off(pages: Open, owner: Any, thread: Thread) -> None:
    opened = pages(owner)
    form = form_of(opened.text("fork")) | {"name": "busy"}
    with acts.act("test.arrange"):
        Run.objects.filter(thread=thread).update(status="running", fence=1, lease_until=clock.now())

    answer = opened.post("fork", **form)

    assert answer.status_code == 409 and "A run is under way" in answer.content.decode()
    assert "Forking is off while a run is under way." in opened.text("fork")


def test_who_may_fork(
    pages: Open, owner: Any, stranger: Any, thread: Thread, share: Callable[[str, str], Any]
) -> None:
    form = form_of(pages(owner).text("fork")) | {"name": "mine"}
    people = {role: share(role, role) for role in ("viewer", "operator", "auditor")}

    refused = {role: pages(person).post("fork", **form) for role, person in people.items()}

    assert {answer.status_code for answer in refused.values()} == {403}
    assert pages(stranger).post("fork", **form).status_code == 404
    assert "Forking is off: you may read" in pages(people["viewer"]).text("checkpoints")


def test_running_needs_a_permission_of_its_own(
    pages: Open, owner: Any, thread: Thread, share: Callable[[str, str], Any], admin: Any
) -> None:
    roles.create(name="writer", permissions=["read", "write"], actor=admin)
    writer = share("writer", "wim")
    form = form_of(pages(writer).text("fork")) | {"name": "mine"}

    assert pages(writer).post("fork", **form, run="1").status_code == 403
    assert pages(writer).post("fork", **form).status_code == 303


def test_changing_without_reading_shows_no_state(
    pages: Open, share: Callable[[str, str], Any], admin: Any, thread: Thread
) -> None:
    roles.create(name="blind", permissions=["write"], actor=admin)

    assert pages(share("blind", "bo")).get("fork").status_code == 403


@pytest.fixture
def admin(django_user_model: Any, transactional_db: None) -> Any:
    """A superuser, who may make roles."""
    return django_user_model.objects.create_user("root", is_superuser=True)

"""Operations over HTTP."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse

from checkpoints_app import storage
from threadhub import tasks
from threadhub.kernel import clock
from threadhub.kernel.operations.executor import Executor
from threadhub.kernel.operations.models import Operation
from threadhub.kernel.people import keys
from threadhub.kernel.rbac import everywhere
from threads_app.models import Thread
from threads_app.services import threads

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]


def client_of(name: str, **rights: bool) -> Client:
    person = get_user_model().objects.create_user(name, **rights)
    made = Client(headers={"X-Api-Key": keys.create(user=person, name="", now=clock.now())})
    # The first use of a key is noted; later ones are not, for a while.
    made.get("/api/interrupts")
    return made


@pytest.fixture
def ada(monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """Ada's client; hints go nowhere, since the tests execute themselves."""
    monkeypatch.setattr(tasks.execute_operation, "delay", lambda **_: None)
    yield client_of("ada", is_staff=True)
    storage.reset()


@pytest.fixture
def bob() -> Client:
    return client_of("bob")


@pytest.fixture
def make_threads(ada: Client) -> Callable[[int], list[Thread]]:
    """Return a maker of Ada's threads."""

    def make(count: int) -> list[Thread]:
        owner = get_user_model().objects.get(username="ada")
        return [
            threads.create(actor=owner, now=clock.now(), title=f"No. {number}")
            for number in range(count)
        ]

    return make


def browser_of(name: str) -> Client:
    made = Client()
    made.force_login(get_user_model().objects.get(username=name))
    return made


def posted(client: Client, body: dict[str, Any] | None = None, leaf: str = "", **more: str) -> Any:
    headers = {name.replace("_", "-"): value for name, value in more.items()}
    address = f"/api/operations{leaf}"
    return client.post(address, body or {}, content_type="application/json", headers=headers)


def deletion(**more: Any) -> dict[str, Any]:
    return {"kind": "threads.delete", "filter": {"status": "idle"}, **more}


def execute(operation_id: str) -> None:
    row = Operation.objects.filter(public_id=operation_id)[0]
    Executor().execute(operation_id=row.pk)


def frames(response: Any) -> list[dict[str, Any]]:
    """Return the events of a stream, read the way a server reads it."""

    async def read() -> bytes:
        return b"".join([part async for part in response.streaming_content])

    found = []
    for block in async_to_sync(read)().decode().split("\r\n\r\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if line)
        if "event" in fields:
            found.append({**fields, "data": json.loads(fields["data"])})
    return found


def test_an_operation_is_asked_for_watched_and_read(
    ada: Client, make_threads: Callable[[int], list[Thread]]
) -> None:
    made = make_threads(3)
    answer = posted(ada, deletion(reason="tidy up"))
    shown = answer.json()

    assert answer.status_code == 202
    assert answer["Location"] == f"/operations/{shown['operation_id']}"
    assert (shown["state"], shown["total"], shown["asked_by"]) == ("pending", 3, "ada")
    assert (shown["filter"], shown["reason"]) == ({"status": "idle"}, "tidy up")

    execute(shown["operation_id"])
    found = ada.get(f"/api{answer['Location']}").json()
    assert (found["state"], found["done"], found["error"]) == ("finished", 3, "")
    assert [item["label"] for item in found["items"]] == ["No. 0", "No. 1", "No. 2"]
    assert [item["key"] for item in found["items"]] == [thread.public_id for thread in made]
    assert not Thread.objects.exists()


def test_the_items_are_paged_and_filtered(
    ada: Client, make_threads: Callable[[int], list[Thread]]
) -> None:
    first, *_ = make_threads(3)
    shown = posted(ada, deletion()).json()
    threads.delete(thread=first, now=clock.now())
    execute(shown["operation_id"])
    address = f"/api/operations/{shown['operation_id']}"

    page = ada.get(f"{address}?limit=2&offset=1")
    assert [item["position"] for item in page.json()["items"]] == [2, 3]
    assert page["X-Pagination-Total"] == "3"
    (skipped,) = ada.get(f"{address}?state=skipped").json()["items"]
    assert (skipped["key"], skipped["error"]) == (first.public_id, "It was deleted already.")
    assert ada.get(f"{address}?state=lost").status_code == 422


def test_a_stream_tells_everything_and_goes_on_after_the_last_event_seen(
    ada: Client, make_threads: Callable[[int], list[Thread]]
) -> None:
    make_threads(2)
    shown = posted(ada, deletion()).json()
    execute(shown["operation_id"])
    address = f"/api/operations/{shown['operation_id']}/stream"

    told = frames(ada.get(address))
    assert [event["event"].removeprefix("operation.") for event in told] == [
        "created",
        "running",
        "item",
        "item",
        "finished",
    ]
    assert [event["id"] for event in told] == ["1", "2", "3", "4", "5"]
    assert [event["data"]["done"] for event in told] == [0, 0, 1, 2, 2]
    assert told[2]["data"]["item"]["label"] == "No. 0"
    assert frames(ada.get(address, headers={"Last-Event-ID": "3"})) == told[3:]
    assert ada.get(address, headers={"Last-Event-ID": "x"}).status_code == 422


def test_cancel_and_resume(ada: Client, make_threads: Callable[[int], list[Thread]]) -> None:
    make_threads(1)
    leaf = f"/{posted(ada, deletion()).json()['operation_id']}"

    assert posted(ada, leaf=f"{leaf}/resume").json()["code"] == "nothing_to_resume"
    canceled = posted(ada, leaf=f"{leaf}/cancel")
    assert (canceled.status_code, canceled.json()["state"]) == (202, "cancelled")
    assert posted(ada, leaf=f"{leaf}/cancel").status_code == 409
    resumed = posted(ada, leaf=f"{leaf}/resume")
    assert (resumed.status_code, resumed.json()["state"]) == (202, "pending")
    execute(leaf[1:])
    assert ada.get(f"/api/operations{leaf}").json()["state"] == "finished"


def test_a_repeated_request_is_answered_with_the_same_operation(
    ada: Client, make_threads: Callable[[int], list[Thread]]
) -> None:
    make_threads(1)
    first = posted(ada, deletion(), Idempotency_Key="k").json()

    assert posted(ada, deletion(), Idempotency_Key="k").json() == first
    other = posted(ada, deletion(reason="other"), Idempotency_Key="k")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert len(ada.get("/api/operations").json()) == 1


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ({"kind": "threads.burn", "filter": {"status": "idle"}}, 422, "threads.delete"),
        ({"kind": "threads.delete", "filter": {"colour": "red"}}, 422, "Known: ids"),
        ({"kind": "threads.delete", "filter": {}}, 422, "Say which threads"),
        ({"kind": "threads.delete"}, 422, "either ids or a filter"),
        ({"kind": "threads.delete", "ids": ["a"], "filter": {}}, 422, "either ids or a filter"),
        ({"kind": "threads.delete", "ids": ["nowhere"]}, 404, "no such thread: nowhere"),
        ({"filter": {}}, 422, "kind"),
    ],
)
def test_a_wrong_request_is_refused_and_makes_nothing(
    ada: Client, body: dict[str, Any], status: int, told: str
) -> None:
    answer = posted(ada, body)

    assert answer.status_code == status
    assert told in answer.json()["detail"]
    assert not Operation.objects.exists()


def test_a_stranger_finds_nothing_and_a_superuser_everything(
    ada: Client, bob: Client, make_threads: Callable[[int], list[Thread]]
) -> None:
    made = make_threads(1)
    operation_id = posted(ada, deletion()).json()["operation_id"]

    assert bob.get("/api/operations").json() == []
    nowhere = posted(bob, leaf=f"/{uuid.uuid4()}/cancel").json()["detail"]
    for leaf in (f"/{operation_id}/cancel", f"/{operation_id}/resume"):
        answer = posted(bob, leaf=leaf)
        assert (answer.status_code, answer.json()["detail"]) == (404, nowhere)
    for address in (f"/api/operations/{operation_id}", f"/api/operations/{operation_id}/stream"):
        assert bob.get(address).status_code == 404
    assert posted(bob, {"kind": "threads.delete", "ids": [made[0].public_id]}).status_code == 404
    root = client_of("root", is_superuser=True)
    assert [row["asked_by"] for row in root.get("/api/operations").json()] == ["ada"]
    assert Client().get("/api/operations").status_code == 401


def test_whoever_may_execute_everywhere_takes_up_nothing_in_somebody_s_name(
    ada: Client, bob: Client, make_threads: Callable[[int], list[Thread]]
) -> None:
    (thread,) = make_threads(1)
    leaf = f"/{posted(ada, deletion()).json()['operation_id']}"
    people = get_user_model().objects
    root, to = people.create_superuser("root"), people.get(username="bob")
    everywhere.grant_everywhere(role="operator", to=to, actor=root, now=clock.now())

    canceled, resumed = posted(bob, leaf=f"{leaf}/cancel"), posted(bob, leaf=f"{leaf}/resume")
    execute(leaf[1:])

    assert (canceled.status_code, resumed.status_code) == (202, 403)
    assert list(Thread.objects.all()) == [thread]


@pytest.mark.parametrize("count", [1, 5])
def test_the_reads_cost_the_same_however_much_they_show(
    ada: Client, make_threads: Callable[[int], list[Thread]], query_counts: Any, count: int
) -> None:
    make_threads(count)
    for _ in range(count):
        shown = posted(ada, deletion()).json()
    with query_counts("api: list of operations"):
        listed = ada.get("/api/operations").json()
    with query_counts("api: operation"):
        found = ada.get(f"/api/operations/{shown['operation_id']}").json()

    assert len(listed) == len(found["items"]) == count


@pytest.mark.parametrize("count", [1, 5])
def test_the_pages_show_operations_with_their_items(
    ada: Client, make_threads: Callable[[int], list[Thread]], query_counts: Any, count: int
) -> None:
    make_threads(count)
    for _ in range(count):
        posted(ada, deletion(reason="tidy up"))
    newest = Operation.objects.order_by("-id")[0]
    listing = reverse("admin:threadhub_operation_changelist")
    page = reverse("admin:threadhub_operation_change", args=[newest.pk])
    browser = browser_of("ada")
    with query_counts("admin operation list"):
        listed = browser.get(listing).content.decode()
    with query_counts("admin operation page"):
        shown = browser.get(page).content.decode()

    assert listed.count("tidy up") == count
    assert "No. 0" in shown and f"0 of {count}" in shown


def test_the_page_speaks_the_person_s_language(
    ada: Client, make_threads: Callable[[int], list[Thread]]
) -> None:
    make_threads(1)
    posted(ada, deletion())
    page = reverse("admin:threadhub_operation_change", args=[Operation.objects.all()[0].pk])

    shown = browser_of("ada").get(page, headers={"Accept-Language": "zh-hans"}).content.decode()

    assert "0 / 1" in shown and "失败 0" in shown and "请求人" in shown and "尝试次数" in shown

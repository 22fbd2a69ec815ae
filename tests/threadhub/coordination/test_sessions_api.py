"""Sessions over HTTP: all of a session or nothing, and each refusal names its place."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from sessions_app.models import Session
from threadhub.kernel import clock
from threadhub.kernel.api import sse
from threadhub.kernel.people import keys
from threadhub.kernel.streams.models import Stream
from threads_app.models import Interrupt, Thread

pytestmark = pytest.mark.both_databases

BODY: dict[str, Any] = {
    "title": "Audit",
    "metadata": {"team": "red"},
    "policy": "strict",
    "parallel_limit": 2,
    "threads": [
        {"name": "inventory", "assistant_id": "task", "input": {"give": {"items": [1, 2]}}},
        {"name": "analysis", "assistant_id": "task"},
        {"name": "отчёт", "assistant_id": "task", "input": {"ask": True}},
        {"name": "notes", "type": "reference"},
    ],
    "dependencies": [
        {
            "from": "inventory",
            "to": "analysis",
            "kind": "data_flow",
            "mapping": {"taken": "out.items"},
        },
        {"from": "analysis", "to": "отчёт"},
    ],
}


def client_of(user: Any) -> Client:
    return Client(headers={"X-Api-Key": keys.create(user=user, name="", now=clock.now())})


@pytest.fixture
def api(person: Any, project: Any) -> Client:
    return client_of(person)


@pytest.fixture
def stranger(project: Any) -> Client:
    return client_of(get_user_model().objects.create_user("stranger"))


def post(client: Client, path: str, body: Any = None, **headers: str) -> Any:
    given = {} if body is None else body
    return client.post(f"/api{path}", given, content_type="application/json", headers=headers)


@pytest.fixture
def session(api: Client) -> dict[str, Any]:
    answer = post(api, "/sessions", BODY)
    assert answer.status_code == 201, answer.json()
    assert answer["Location"] == f"/sessions/{answer.json()['session_id']}"
    return answer.json()


def changed(path: str, value: Any) -> dict[str, Any]:
    """The body with one place changed: `threads.0.name`; a new index is appended."""
    body = copy.deepcopy(BODY)
    *above, last = path.split(".")
    place: Any = body
    for key in above:
        place = place[int(key)] if key.isdigit() else place[key]
    if isinstance(place, list):
        place[int(last) :] = [value]
    else:
        place[last] = value
    return body


def edge(upstream: str, downstream: str, **more: Any) -> dict[str, Any]:
    return {"from": upstream, "to": downstream, **more}


def test_a_session_is_made_with_everything_in_it_and_nothing_runs(
    api: Client, session: dict[str, Any]
) -> None:
    shown = api.get(f"/api/sessions/{session['session_id']}").json()

    assert shown == session
    assert (shown["status"], shown["policy"], shown["parallel_limit"]) == ("idle", "strict", 2)
    assert [thread["name"] for thread in shown["threads"]] == [
        "analysis",
        "inventory",
        "notes",
        "отчёт",
    ]
    assert [(found["from"], found["to"]) for found in shown["dependencies"]] == [
        ("inventory", "analysis"),
        ("analysis", "отчёт"),
    ]
    assert shown["dependencies"][0]["mapping"] == {"taken": "out.items"}
    assert shown["plan"] is None
    threads = post(api, "/threads/search", {}).json()
    assert {thread["thread_id"] for thread in threads} == {
        thread["thread_id"] for thread in shown["threads"]
    }


@pytest.mark.parametrize(
    ("path", "value", "places", "words"),
    [
        ("dependencies.2", edge("отчёт", "inventory"), {"dependencies"}, "inventory -> analysis"),
        ("dependencies.2", edge("analysis", "analysis"), {"dependencies.2.to"}, "itself"),
        ("dependencies.2", edge("inventory", "analysis"), {"dependencies.2"}, "already"),
        ("dependencies.2", edge("inventory", "nobody"), {"dependencies.2.to"}, "nobody"),
        ("dependencies.2", edge("notes", "analysis"), {"dependencies.2.from"}, "reference"),
        (
            "dependencies.0.mapping",
            {"taken": "out."},
            {"dependencies.0.mapping.taken"},
            "ends too early",
        ),
        (
            "dependencies.0.mapping",
            {"taken": "out items"},
            {"dependencies.0.mapping.taken"},
            "position 5",
        ),
        (
            "dependencies.0.mapping",
            {"taken": "shell(@)"},
            {"dependencies.0.mapping.taken"},
            "no function `shell`",
        ),
        ("dependencies.0.mapping", {"taken": "a" * 257}, {"dependencies.0.mapping.taken"}, "256"),
        ("dependencies.0.kind", "sequential", {"dependencies.0.mapping"}, "data_flow"),
        ("dependencies.0.kind", "psychic", {"dependencies.0.kind"}, "psychic"),
        (
            "dependencies.2",
            edge("inventory", "отчёт", kind="data_flow", mapping={"fail": "("}),
            {"dependencies.2.mapping.fail"},
            "",
        ),
        ("threads.1.name", "inventory", {"threads.1.name"}, "already"),
        ("threads.1.name", "a/b", {"threads.1.name"}, "letters"),
        ("threads.1.name", "..", {"threads.1.name"}, "letters"),
        ("threads.1.assistant_id", "nobody", {"threads.1.assistant_id"}, "nobody"),
        ("threads.1.assistant_id", None, {"threads.1.assistant_id"}, "assistant"),
        ("threads.1.thread_id", "nowhere", {"threads.1.thread_id"}, "no such thread"),
        ("threads.0.input", {"number": "x"}, {"threads.0.input"}, "number"),
        ("threads.1.input", "text", {"threads.1.input"}, "object"),
        ("threads.0.config", {"recursion_limit": 0}, {"threads.0.config.recursion_limit"}, ""),
        ("parallel_limit", 0, {"parallel_limit"}, ""),
        ("policy", "anarchy", {"policy"}, ""),
        ("dependancies", [], {"dependancies"}, "Known here: title"),
        ("threads.1.inputs", {}, {"threads.1.inputs"}, "Known here: name"),
        ("threads", [{"name": f"t{n}"} for n in range(1001)], {"threads"}, "1000"),
    ],
)
def test_what_is_wrong_is_named_by_its_place_and_nothing_is_made(
    api: Client, path: str, value: Any, places: set[str], words: str
) -> None:
    answer = post(api, "/sessions", changed(path, value))

    assert answer.status_code == 422, answer.json()
    assert places <= set(answer.json()["fields"]), answer.json()
    assert words in answer.json()["detail"]
    assert not Session.objects.exists()
    assert not Thread.objects.exists()
    assert not Stream.objects.exists()


def test_two_mappings_into_one_key_are_refused(api: Client) -> None:
    body = changed("dependencies.1", edge("inventory", "отчёт"))
    body["dependencies"] += [
        edge("analysis", "отчёт", kind="data_flow", mapping={"give": "out"}),
    ]
    body["dependencies"][1] |= {"kind": "data_flow", "mapping": {"give": "out"}}

    answer = post(api, "/sessions", body)

    assert set(answer.json()["fields"]) == {"dependencies.2.mapping.give"}


def test_threads_that_exist_join_once_if_they_are_the_callers(
    api: Client, stranger: Client
) -> None:
    mine = post(api, "/threads").json()["thread_id"]
    theirs = post(stranger, "/threads").json()["thread_id"]
    member = {"name": "a", "assistant_id": "task", "thread_id": mine}

    joined = post(api, "/sessions", {"threads": [member]})
    twice = post(api, "/sessions", {"threads": [member, {**member, "name": "b"}]})
    foreign = post(api, "/sessions", {"threads": [{**member, "thread_id": theirs}]})
    unknown = post(api, "/sessions", {"threads": [{**member, "thread_id": "x"}]})

    assert joined.json()["threads"][0]["thread_id"] == mine
    assert set(twice.json()["fields"]) == {"threads.0.thread_id", "threads.1.thread_id"}
    assert foreign.json()["fields"] == unknown.json()["fields"]
    assert Session.objects.count() == 1


def test_a_plan_runs_asks_and_ends_over_http(
    api: Client, session: dict[str, Any], work: Callable[[], int]
) -> None:
    path = f"/sessions/{session['session_id']}"

    started = post(api, f"{path}/plans", **{"Idempotency-Key": "once"})
    again = post(api, f"{path}/plans", **{"Idempotency-Key": "once"})
    other = post(api, f"{path}/plans")
    removed = api.delete(f"/api{path}/threads/analysis")
    deleted = api.delete(f"/api{path}")
    assert started.status_code == again.status_code == 202
    assert started["Location"] == again["Location"]
    assert [response.status_code for response in (other, removed, deleted)] == [409, 409, 409]
    assert started.json()["plan_id"] in other.json()["detail"]

    work()
    waiting = api.get(f"/api{started['Location']}").json()
    status = api.get(f"/api{path}").json()["status"]
    assert [(node["name"], node["status"]) for node in waiting["nodes"]] == [
        ("inventory", "success"),
        ("analysis", "success"),
        ("отчёт", "waiting"),
    ]
    assert status == "waiting"
    question = Interrupt.objects.open().get()
    assert post(api, f"/interrupts/{question.pk}/answer", {"answer": "yes"}).status_code == 202

    work()
    ended = api.get(f"/api{started['Location']}").json()
    assert ended["status"] == "finished"
    assert [node["output"]["out"] for node in ended["nodes"]] == [{"items": [1, 2]}, [1, 2], "yes"]
    assert api.get(f"/api{path}/plans").json()["items"][0]["plan_id"] == ended["plan_id"]
    assert post(api, f"{started['Location']}/cancel").status_code == 409


def test_a_session_is_started_with_the_request_that_makes_it(
    api: Client, work: Callable[[], int]
) -> None:
    answer = post(api, "/sessions", {**changed("threads.2.input", {}), "start": True})
    work()

    assert api.get(f"/api{answer['Location']}").json()["status"] == "finished"


def test_a_session_is_changed_put_away_and_deleted_and_its_threads_stay(
    api: Client, session: dict[str, Any]
) -> None:
    path = f"/api/sessions/{session['session_id']}"
    json = {"content_type": "application/json"}

    patched = api.patch(path, {"title": "New", "metadata": {"a": 1}, "parallel_limit": 9}, **json)
    archived = post(api, f"/sessions/{session['session_id']}/archive")
    starts = ("plans", "threads/inventory/runs")
    refused = [post(api, f"/sessions/{session['session_id']}/{leaf}") for leaf in starts]
    unarchived = post(api, f"/sessions/{session['session_id']}/unarchive")
    deleted = api.delete(path)

    assert patched.json()["metadata"] == {"team": "red", "a": 1}
    assert (patched.json()["title"], patched.json()["version"]) == ("New", 2)
    assert archived.json()["status"] == "archived"
    assert [answer.status_code for answer in refused] == [409, 409]
    assert {answer.json()["code"] for answer in refused} == {"session_archived"}
    assert unarchived.json()["status"] == "idle"
    assert deleted.status_code == 204 and api.get(path).status_code == 404
    assert Thread.objects.count() == 4


def test_a_thread_of_a_session_is_deleted_only_after_it_left(
    api: Client, session: dict[str, Any]
) -> None:
    path = f"/api/sessions/{session['session_id']}/threads"
    found = {thread["name"]: thread["thread_id"] for thread in session["threads"]}
    thread = f"/api/threads/{found['analysis']}"

    refused = api.delete(thread)
    left = api.delete(f"{path}/analysis")
    shown = api.get(f"/api/sessions/{session['session_id']}").json()
    back = post(
        api,
        path.removeprefix("/api"),
        {"name": "again", "thread_id": found["analysis"], "assistant_id": "task"},
    )
    api.delete(f"{path}/again")
    deleted = api.delete(thread)

    assert refused.status_code == 409
    assert "analysis in the session Audit" in refused.json()["detail"]
    assert left.status_code == 204 and shown["dependencies"] == []
    assert back.status_code == 201 and back.json()["version"] == 3
    assert deleted.status_code == 204


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": "more", "assistant_id": "task"}, 201),
        ({"name": "analysis", "assistant_id": "task"}, 409),
        ({"name": "a b", "assistant_id": "task"}, 422),
    ],
)
def test_a_thread_joins_a_session_that_exists(
    api: Client, session: dict[str, Any], body: dict[str, Any], status: int
) -> None:
    answer = post(api, f"/sessions/{session['session_id']}/threads", body)

    assert answer.status_code == status
    assert Thread.objects.count() == (5 if status == 201 else 4)


def test_lists_are_paged_by_activity_and_filtered(api: Client) -> None:
    made = [
        post(api, "/sessions", {"title": str(n), "metadata": {"n": n}}).json() for n in range(3)
    ]
    post(api, f"/sessions/{made[0]['session_id']}/archive")

    first = api.get("/api/sessions?limit=2").json()
    second = api.get("/api/sessions", {"limit": 2, "cursor": first["next"]}).json()
    by_metadata = api.get("/api/sessions", {"metadata": '{"n": 1}'}).json()
    by_status = api.get("/api/sessions?status=archived").json()
    bad = [api.get("/api/sessions", query) for query in ({"cursor": "x"}, {"metadata": "["})]

    titles = [row["title"] for row in first["items"] + second["items"]]
    assert titles == ["0", "2", "1"] and second["next"] is None
    assert [row["title"] for row in by_metadata["items"]] == ["1"]
    assert [row["title"] for row in by_status["items"]] == ["0"]
    assert [answer.status_code for answer in bad] == [422, 422]


def test_a_run_of_a_sessions_thread_takes_what_the_membership_gives(
    api: Client, session: dict[str, Any], work: Callable[[], int], project: Any
) -> None:
    path = f"/sessions/{session['session_id']}/threads/inventory"

    plain = post(api, f"{path}/runs").json()
    own = post(api, f"{path}/runs", {"input": {"give": 7}}).json()
    work()
    state = api.get(f"/api{path}/state").json()
    detail = api.get(f"/api{path}").json()

    assert plain["kwargs"]["input"] == BODY["threads"][0]["input"] == detail["input"]
    assert own["kwargs"]["config"]["configurable"] == {"session_id": session["session_id"]}
    assert state["values"]["out"] == 7
    assert post(api, f"/sessions/{session['session_id']}/threads/notes/runs").status_code == 422


def test_a_stranger_finds_nothing(session: dict[str, Any], api: Client, stranger: Client) -> None:
    path = f"/sessions/{session['session_id']}"
    plan = post(api, f"{path}/plans")["Location"]
    reads = ("", "/stream", "/threads", "/plans", "/threads/inventory", "/threads/inventory/state")

    answers = [stranger.get(f"/api{path}{leaf}") for leaf in (*reads, "/threads/inventory/stream")]
    answers += [stranger.get(f"/api{plan}"), post(stranger, f"{plan}/cancel")]
    answers += [post(stranger, f"{path}{leaf}") for leaf in ("/plans", "/archive", "/unarchive")]
    answers += [post(stranger, f"{path}/threads/inventory/runs{leaf}") for leaf in ("", "/wait")]
    answers += [stranger.delete(f"/api{path}"), stranger.delete(f"/api{path}/threads/inventory")]

    assert {answer.status_code for answer in answers} == {404}
    assert stranger.get("/api/sessions").json() == {"items": [], "next": None}


async def taken(stream_id: int, *, after: int, count: int) -> list[str]:
    """The first frames of a stream."""
    subject = sse.Subject(stream_id=stream_id, is_over=lambda: False, may_watch=lambda: True)
    found: list[str] = []
    async with aclosing(sse.frames(subject, after=after)) as frames:
        async for frame in frames:
            found.append(frame.decode())
            if len(found) == count:
                break
    return found


def test_a_sessions_events_are_replayed_from_any_of_them(
    api: Client, session: dict[str, Any], work: Callable[[], int]
) -> None:
    post(api, f"/sessions/{session['session_id']}/plans")
    row = Session.objects.get()

    _, *whole = asyncio.run(taken(row.stream_id, after=0, count=5))
    opened, *rest = asyncio.run(taken(row.stream_id, after=2, count=3))
    refused = api.get(
        f"/api/sessions/{session['session_id']}/stream", headers={"Last-Event-ID": "x"}
    )

    kinds = [frame.split("\r\n")[0].removeprefix("event: ") for frame in whole]
    assert kinds == ["session.created", "plan.started", "node.running", "session.status"]
    assert "id: 3" in whole[2] and '"name": "inventory"' in whole[2]
    assert opened.startswith(":") and rest == whole[2:]
    assert refused.status_code == 422

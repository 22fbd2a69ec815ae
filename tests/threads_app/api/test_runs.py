"""Runs over HTTP: started, waited for, listed, cancelled, refused."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from langgraph_sdk.client import SyncLangGraphClient
from langgraph_sdk.errors import ConflictError, NotFoundError, UnprocessableEntityError

FIELDS = {
    "run_id",
    "thread_id",
    "assistant_id",
    "created_at",
    "updated_at",
    "status",
    "metadata",
    "multitask_strategy",
    "kwargs",
}
ECHO = {"assistant_id": "echo", "input": {"text": "hello"}}
HasStatus = Callable[[dict[str, Any], str], None]


def start(client: httpx.Client, thread_id: str, body: Any, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(f"/threads/{thread_id}/runs", json=body, headers=named)


def started(client: httpx.Client, thread_id: str, body: Any, **headers: str) -> dict[str, Any]:
    return start(client, thread_id, body, **headers).raise_for_status().json()


def test_a_new_run_has_the_shape_clients_expect(operator: httpx.Client, thread_id: str) -> None:
    answer = start(operator, thread_id, {**ECHO, "metadata": {"a": 1}, "unknown": True})
    run = answer.raise_for_status().json()

    assert run.keys() >= FIELDS
    assert (run["thread_id"], run["metadata"]) == (thread_id, {"a": 1})
    assert run["multitask_strategy"] == "enqueue"
    assert run["kwargs"]["input"] == {"text": "hello"}
    assert answer.headers["Content-Location"] == f"/threads/{thread_id}/runs/{run['run_id']}"
    assert operator.get(answer.headers["Content-Location"]).json()["run_id"] == run["run_id"]


def test_the_sdk_waits_for_the_values(sdk: SyncLangGraphClient, thread_id: str) -> None:
    assert sdk.runs.wait(thread_id, "echo", input={"text": "hello"}) == {
        "text": "HELLO",
        "count": 1,
    }
    thread = sdk.threads.get(thread_id)
    assert (thread["status"], thread["values"]) == ("idle", {"text": "HELLO", "count": 1})
    assert thread["metadata"]["graph_id"] == "echo"


def test_a_graph_is_known_by_its_assistant_id_too(sdk: SyncLangGraphClient, thread_id: str) -> None:
    assistant_id = str(uuid.uuid5(uuid.UUID("6ba7b821-9dad-11d1-80b4-00c04fd430c8"), "echo"))
    run = sdk.runs.create(thread_id, assistant_id, input={"text": "x"})

    assert run["assistant_id"] == assistant_id
    assert sdk.runs.join(thread_id, run["run_id"])["text"] == "X"
    assert sdk.runs.get(thread_id, run["run_id"])["status"] == "success"


def test_waiting_says_how_a_run_failed(sdk: SyncLangGraphClient, thread_id: str) -> None:
    answer = sdk.runs.wait(thread_id, "fails", input={"text": "x"}, raise_error=False)

    assert answer["__error__"]["error"] == "LookupError"
    assert "no such page: x" in answer["__error__"]["message"]
    assert "abcdef123456" not in str(answer)
    assert sdk.threads.get(thread_id)["status"] == "error"
    assert sdk.threads.get(thread_id)["error"]


def test_a_run_may_make_its_thread(sdk: SyncLangGraphClient, nobody: str) -> None:
    values = sdk.runs.wait(nobody, "echo", input={"text": "x"}, if_not_exists="create")

    assert values["text"] == "X"
    assert sdk.threads.get(nobody)["graph_id"] == "echo"


class TestLists:
    def test_show_the_newest_first_in_pages(self, operator: httpx.Client, thread_id: str) -> None:
        made = [started(operator, thread_id, ECHO)["run_id"] for _ in range(3)]
        first = operator.get(f"/threads/{thread_id}/runs", params={"limit": 2})
        second = operator.get(f"/threads/{thread_id}/runs", params={"limit": 2, "offset": 2})

        shown = [run["run_id"] for run in [*first.json(), *second.json()]]
        assert shown == made[::-1]
        assert first.headers["X-Pagination-Next"] == "2"
        assert first.headers["X-Pagination-Total"] == second.headers["X-Pagination-Total"] == "3"

    def test_filter_by_status(self, sdk: SyncLangGraphClient, thread_id: str) -> None:
        sdk.runs.wait(thread_id, "echo", input={"text": "x"})
        later = sdk.runs.create(thread_id, "echo", input={"text": "x"}, after_seconds=3600)

        assert [run["run_id"] for run in sdk.runs.list(thread_id, status="pending")] == [
            later["run_id"]
        ]
        assert len(sdk.runs.list(thread_id, status="success")) == 1
        assert sdk.runs.list(thread_id, status="error") == []

    @pytest.mark.parametrize("query", ["limit=5000", "limit=x", "status=bad", "offset=-1"])
    def test_refuse(self, operator: httpx.Client, thread_id: str, query: str) -> None:
        assert operator.get(f"/threads/{thread_id}/runs?{query}").status_code == 422


BAD_ORDERS: dict[str, tuple[dict[str, Any], str]] = {
    "unknown graph": ({"assistant_id": "nothing"}, "graph_unknown"),
    "unknown assistant": ({"assistant_id": str(uuid.uuid4())}, "graph_unknown"),
    "graph that did not load": ({"assistant_id": "broken"}, "graph_failed"),
    "input that is no object": ({"input": 7}, "input_unfit"),
    "input of the wrong type": ({"input": {"text": 7}}, "input_unfit"),
    "input of other keys": ({"input": {"txet": "x"}}, "input_unfit"),
    "input and command": ({"command": {"resume": 1}}, "invalid"),
    "strategy": ({"multitask_strategy": "whatever"}, "invalid"),
    "stream mode": ({"stream_mode": ["everything"]}, "invalid"),
    "config": ({"config": []}, "invalid"),
    "recursion limit": ({"config": {"recursion_limit": 0}}, "invalid"),
    "config metadata": ({"config": {"metadata": "x"}}, "invalid"),
    "context": ({"context": []}, "invalid"),
    "durability": ({"durability": "never"}, "invalid"),
    "endless wait": ({"after_seconds": "inf"}, "invalid"),
    "no number": ({"after_seconds": "nan"}, "invalid"),
    "subgraph": ({"checkpoint": {"checkpoint_ns": "inner"}}, "invalid"),
    "no graph": ({"assistant_id": None}, "invalid"),
}


@pytest.mark.parametrize("name", BAD_ORDERS)
@pytest.mark.parametrize("route", ["runs", "runs/wait", "runs/stream"])
def test_what_cannot_run_is_refused_and_leaves_nothing(
    operator: httpx.Client, nobody: str, name: str, route: str
) -> None:
    wrong, code = BAD_ORDERS[name]
    body = {**ECHO, "if_not_exists": "create", **wrong}
    answer = operator.post(f"/threads/{nobody}/{route}", json=body)

    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert operator.get(f"/threads/{nobody}").status_code == 404


def test_an_input_that_does_not_fit_names_its_fields(
    operator: httpx.Client, thread_id: str
) -> None:
    answer = start(operator, thread_id, {**ECHO, "input": {"text": []}})

    assert answer.json()["fields"].keys() == {"text"}
    assert operator.get(f"/threads/{thread_id}/runs").json() == []


def test_config_and_context_exclude_each_other(operator: httpx.Client, thread_id: str) -> None:
    body = {**ECHO, "config": {"configurable": {"a": 1}}, "context": {"b": 2}}

    assert start(operator, thread_id, body).status_code == 400


def test_the_keys_of_langgraph_itself_are_left_out(
    sdk: SyncLangGraphClient, thread_id: str
) -> None:
    configurable = {"__pregel_checkpointer": "x", "__pregel_read": 1, "thread_id": "other"}
    run = sdk.runs.create(
        thread_id, "echo", input={"text": "x"}, config={"configurable": configurable}
    )

    assert sdk.runs.join(thread_id, run["run_id"])["text"] == "X"
    assert run["kwargs"]["config"] == {"configurable": {"thread_id": "other"}}


@pytest.mark.parametrize("route", ["runs", "runs/wait", "runs/stream"])
def test_a_run_needs_its_thread(operator: httpx.Client, nobody: str, route: str) -> None:
    assert operator.post(f"/threads/{nobody}/{route}", json=ECHO).status_code == 404


def test_a_thread_keeps_its_graph(sdk: SyncLangGraphClient, thread_id: str) -> None:
    sdk.runs.wait(thread_id, "echo", input={"text": "x"})

    with pytest.raises(ConflictError, match="holds the state"):
        sdk.runs.create(thread_id, "chat", input={"messages": []})


def test_any_text_comes_back_as_it_was(operator: httpx.Client, thread_id: str) -> None:
    text = '{"assistant_id": "echo", "input": {"text": "\\ud800 \\u0000 é"}}'
    answer = operator.post(f"/threads/{thread_id}/runs/wait", content=text)

    assert answer.json()["text"] == "\ud800 \x00 É"
    run = operator.get(f"/threads/{thread_id}/runs").json()[0]
    assert run["kwargs"]["input"] == {"text": "\ud800 \x00 é"}
    assert operator.get(f"/threads/{thread_id}/state").json()["values"]["text"] == "\ud800 \x00 É"


class TestOrder:
    def test_queued_runs_execute_one_after_the_other(
        self, operator: httpx.Client, sdk: SyncLangGraphClient, gate: Any
    ) -> None:
        thread_id = sdk.threads.create()["thread_id"]
        first = sdk.runs.create(thread_id, "waits", input=gate.input)
        others = [sdk.runs.create(thread_id, "waits", input=gate.input) for _ in range(3)]
        gate.open()
        sdk.runs.join(thread_id, others[-1]["run_id"])

        runs = [sdk.runs.get(thread_id, run["run_id"]) for run in [first, *others]]
        times = [moment for run in runs for moment in (run["started_at"], run["finished_at"])]
        assert [run["status"] for run in runs] == ["success"] * 4
        assert times == sorted(times)

    def test_no_update_is_lost(self, sdk: SyncLangGraphClient, thread_id: str) -> None:
        with ThreadPoolExecutor(10) as pool:
            waits = [
                pool.submit(sdk.runs.wait, thread_id, "echo", input={"text": "x"})
                for _ in range(10)
            ]
        counts = sorted(wait.result()["count"] for wait in waits)

        assert counts == list(range(1, 11))

    def test_a_busy_thread_rejects_when_asked_to(
        self, sdk: SyncLangGraphClient, thread_id: str, gate: Any
    ) -> None:
        run = sdk.runs.create(thread_id, "waits", input=gate.input)

        with pytest.raises(ConflictError) as caught:
            sdk.runs.create(thread_id, "waits", input=gate.input, multitask_strategy="reject")
        assert caught.value.code == "thread_busy"
        assert [row["run_id"] for row in sdk.runs.list(thread_id)] == [run["run_id"]]

    def test_a_run_for_later_stays_pending(self, sdk: SyncLangGraphClient, thread_id: str) -> None:
        later = sdk.runs.create(thread_id, "echo", input={"text": "later"}, after_seconds=3600)
        sdk.runs.wait(thread_id, "echo", input={"text": "now"})

        assert sdk.runs.get(thread_id, later["run_id"])["status"] == "pending"


class TestCancel:
    def test_stops_a_running_run(
        self, sdk: SyncLangGraphClient, thread_id: str, gate: Any, has_status: HasStatus
    ) -> None:
        run = sdk.runs.create(thread_id, "waits", input=gate.input)
        has_status(run, "running")
        assert sdk.threads.get(thread_id)["status"] == "busy"
        sdk.runs.cancel(thread_id, run["run_id"], wait=True)

        assert sdk.runs.get(thread_id, run["run_id"])["status"] == "interrupted"
        assert sdk.threads.get(thread_id)["status"] == "idle"

    def test_answers_202_without_a_body(
        self, operator: httpx.Client, thread_id: str, gate: Any, has_status: HasStatus
    ) -> None:
        run = started(operator, thread_id, {"assistant_id": "waits", "input": gate.input})
        has_status(run, "running")
        url = f"/threads/{thread_id}/runs/{run['run_id']}/cancel"
        answer = operator.post(url)

        assert (answer.status_code, answer.content) == (202, b"")
        assert answer.headers["Content-Location"].endswith(run["run_id"])
        has_status(run, "interrupted")
        assert operator.post(url).status_code == 404

    def test_stops_a_pending_run_at_once(self, sdk: SyncLangGraphClient, thread_id: str) -> None:
        run = sdk.runs.create(thread_id, "echo", input={"text": "x"}, after_seconds=3600)
        sdk.runs.cancel(thread_id, run["run_id"])

        assert sdk.runs.get(thread_id, run["run_id"])["status"] == "interrupted"
        assert sdk.runs.join(thread_id, run["run_id"]) == {}

    @pytest.mark.parametrize("query", ["action=explode", "wait=perhaps"])
    def test_refuses(self, operator: httpx.Client, thread_id: str, query: str) -> None:
        run = started(operator, thread_id, {**ECHO, "after_seconds": 3600})
        url = f"/threads/{thread_id}/runs/{run['run_id']}/cancel?{query}"

        assert operator.post(url).status_code == 422

    def test_needs_a_run_of_that_thread(
        self, sdk: SyncLangGraphClient, thread_id: str, nobody: str
    ) -> None:
        other = sdk.threads.create()["thread_id"]
        run = sdk.runs.create(thread_id, "echo", input={"text": "x"}, after_seconds=3600)

        for missing in (nobody, run["run_id"]):
            with pytest.raises(NotFoundError):
                sdk.runs.cancel(other, missing)


def test_deleting_a_thread_cuts_its_run_off(
    sdk: SyncLangGraphClient, thread_id: str, gate: Any, has_status: HasStatus
) -> None:
    run = sdk.runs.create(thread_id, "waits", input=gate.input)
    has_status(run, "running")
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(sdk.runs.join, thread_id, run["run_id"])
        sdk.threads.delete(thread_id)

    with pytest.raises(NotFoundError):
        sdk.runs.get(thread_id, run["run_id"])
    # Joined before the deletion or after it.
    assert waiting.exception() or waiting.result()["__error__"]["error"] == "RunDeleted"


class TestIdempotencyKey:
    def test_returns_the_run_that_exists(self, operator: httpx.Client, thread_id: str) -> None:
        first = started(operator, thread_id, ECHO, Idempotency_Key="one")
        again = started(operator, thread_id, ECHO, Idempotency_Key="one")
        other = started(operator, thread_id, ECHO, Idempotency_Key="two")

        assert again["run_id"] == first["run_id"] != other["run_id"]

    def test_belongs_to_one_request(self, operator: httpx.Client, thread_id: str) -> None:
        key = str(uuid.uuid4())
        started(operator, thread_id, ECHO, Idempotency_Key=key)
        changed = {**ECHO, "input": {"text": "other"}}
        answer = start(operator, thread_id, changed, Idempotency_Key=key)

        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")

    def test_belongs_to_one_person(
        self, operator: httpx.Client, stranger: httpx.Client, thread_id: str
    ) -> None:
        key = str(uuid.uuid4())
        started(operator, thread_id, ECHO, Idempotency_Key=key)
        theirs = stranger.post("/threads", json={}).json()["thread_id"]

        started(stranger, theirs, ECHO, Idempotency_Key=key)

    def test_starts_one_run_however_many_ask(self, operator: httpx.Client, thread_id: str) -> None:
        key = str(uuid.uuid4())
        with ThreadPoolExecutor(20) as pool:
            asked = [
                pool.submit(started, operator, thread_id, ECHO, Idempotency_Key=key)
                for _ in range(20)
            ]

        assert len({answer.result()["run_id"] for answer in asked}) == 1
        assert len(operator.get(f"/threads/{thread_id}/runs").json()) == 1

    def test_has_a_limit(self, operator: httpx.Client, thread_id: str) -> None:
        assert start(operator, thread_id, ECHO, Idempotency_Key="x" * 256).status_code == 422


def test_the_sdk_raises_the_error_of_the_status(sdk: SyncLangGraphClient, thread_id: str) -> None:
    with pytest.raises(UnprocessableEntityError) as caught:
        sdk.runs.create(thread_id, "nothing", input={})

    assert caught.value.code == "graph_unknown"

"""What LangGraph's API has and ours has not yet: 501, with the name of the operation."""

from __future__ import annotations

import uuid
from typing import Any

import httpx
import pytest
from langgraph_sdk.client import SyncLangGraphClient
from langgraph_sdk.errors import APIStatusError

from threads_app.api.missing import OF_A_THREAD, OF_AN_ASSISTANT, ROUTES

ECHO = {"assistant_id": "echo", "input": {"text": "x"}}
ALL = {**ROUTES, **OF_A_THREAD, **OF_AN_ASSISTANT}
METHODS = [(method, route) for route, named in ALL.items() for method in named]


@pytest.mark.parametrize(("method", "route"), METHODS)
def test_a_missing_route_says_what_it_would_do(
    operator: httpx.Client, address: str, thread_id: str, method: str, route: str
) -> None:
    ids = {"thread_id": thread_id, "assistant_id": "echo", "cron_id": str(uuid.uuid4())}
    path = route
    for name, value in ids.items():
        path = path.replace(f"<str:{name}>", value)
    # A client's base address would take the slash at the end away.
    answer = operator.request(method, f"{address}/{path}")

    assert (answer.status_code, answer.json()["code"]) == (501, "not_available")
    assert answer.json()["detail"] == f"{ALL[route][method]} is not available yet."
    assert httpx.request(method, f"{address}/{path}").status_code == 401


PARAMETERS: dict[str, tuple[Any, str]] = {
    "webhook": ("https://example.invalid/hook", "Calling a webhook"),
    "feedback_keys": (["liked"], "Collecting feedback"),
    "langsmith_tracer": ({"project_name": "p"}, "Tracing with LangSmith"),
    "multitask_strategy": ("rollback", "The multitask strategy rollback"),
    "stream_mode": (["values", "events"], "Streaming in the mode events"),
}


@pytest.mark.parametrize("name", PARAMETERS)
@pytest.mark.parametrize("route", ["threads/{}/runs", "runs", "runs/batch"])
def test_a_run_is_not_started_without_what_it_asks_for(
    operator: httpx.Client, thread_id: str, name: str, route: str
) -> None:
    value, operation = PARAMETERS[name]
    body: Any = {**ECHO, name: value}
    answer = operator.post(
        f"/{route.format(thread_id)}", json=[body] if route.endswith("batch") else body
    )

    assert answer.status_code == 501
    assert answer.json()["detail"] == f"{operation} is not available yet."
    assert operator.get(f"/threads/{thread_id}/runs").json() == []


def test_what_means_nothing_is_let_pass(operator: httpx.Client, thread_id: str) -> None:
    body = {**ECHO, "webhook": None, "feedback_keys": [], "on_completion": "keep"}

    assert operator.post(f"/threads/{thread_id}/runs", json=body).status_code == 200


def test_threads_are_not_made_without_what_they_ask_for(sdk: SyncLangGraphClient) -> None:
    for given in ({"ttl": 5}, {"supersteps": [{"updates": [{"values": {}, "as_node": "a"}]}]}):
        with pytest.raises(APIStatusError) as caught:
            sdk.threads.create(**given)  # type: ignore[arg-type]
        assert caught.value.status_code == 501


def test_a_run_is_not_rolled_back(operator: httpx.Client, thread_id: str) -> None:
    body = {**ECHO, "after_seconds": 3600}
    run = operator.post(f"/threads/{thread_id}/runs", json=body).json()
    for address in (f"/threads/{thread_id}/runs/{run['run_id']}/cancel", "/runs/cancel"):
        given = {"thread_id": thread_id, "run_ids": [run["run_id"]]}
        answer = operator.post(address, params={"action": "rollback"}, json=given)
        assert answer.status_code == 501, address

    shown = operator.get(f"/threads/{thread_id}/runs/{run['run_id']}").json()
    assert shown["status"] == "pending"


@pytest.mark.parametrize(
    "body",
    [{}, {"status": "done"}, {"run_ids": [str(uuid.uuid4())]}, {"thread_id": "x", "status": "all"}],
)
def test_a_bulk_cancel_says_which_runs(operator: httpx.Client, body: dict[str, Any]) -> None:
    if body.get("thread_id"):
        body = {**body, "run_ids": [str(uuid.uuid4())]}
    assert operator.post("/runs/cancel", json=body).status_code == 422


@pytest.mark.parametrize("body", [[], {}, [{}], [7], [ECHO] * 101])
def test_a_batch_is_a_list_of_orders(operator: httpx.Client, body: Any) -> None:
    assert operator.post("/runs/batch", json=body).status_code == 422


def test_an_idempotency_key_covers_every_run_of_a_batch(operator: httpx.Client) -> None:
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    made = [operator.post("/runs/batch", json=[ECHO, ECHO], headers=headers) for _ in range(2)]
    first, again = ([run["run_id"] for run in answer.json()] for answer in made)

    assert first == again
    assert len(set(first)) == 2


def test_the_bulk_acts_on_ones_own_runs_only(
    stranger: httpx.Client, operator: httpx.Client, thread_id: str
) -> None:
    body = {**ECHO, "after_seconds": 3600}
    run = operator.post(f"/threads/{thread_id}/runs", json=body).json()
    by_id = {"thread_id": thread_id, "run_ids": [run["run_id"]]}
    batch = [{**ECHO, "thread_id": thread_id, "if_not_exists": "create"}]

    assert stranger.post("/runs/cancel", json=by_id).status_code == 404
    assert stranger.post("/runs/cancel", json={"status": "all"}).status_code == 204
    assert stranger.post("/runs/batch", json=batch).status_code == 404
    shown = operator.get(f"/threads/{thread_id}/runs").json()
    assert [row["status"] for row in shown] == ["pending"]


def test_clients_see_what_there_is(address: str) -> None:
    shown = httpx.get(f"{address}/info").json()

    assert shown["flags"] == {"assistants": True, "crons": False, "langsmith": False}
    assert {"version", "langgraph_py_version", "host"} <= shown.keys()

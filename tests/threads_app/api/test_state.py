"""A thread's state over HTTP: read, changed, and its history."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from langgraph_sdk.client import SyncLangGraphClient
from langgraph_sdk.errors import ConflictError, NotFoundError, UnprocessableEntityError

FIELDS = {
    "values",
    "next",
    "tasks",
    "metadata",
    "created_at",
    "checkpoint",
    "parent_checkpoint",
    "interrupts",
}


@pytest.fixture
def echoed(sdk: SyncLangGraphClient, thread_id: str) -> str:
    """The id of a thread on which the echo graph ran twice."""
    sdk.runs.wait(thread_id, "echo", input={"text": "one"})
    sdk.runs.wait(thread_id, "echo", input={"text": "two"})
    return thread_id


def test_a_thread_without_a_run_has_an_empty_state(
    sdk: SyncLangGraphClient, thread_id: str
) -> None:
    state = sdk.threads.get_state(thread_id)

    assert state.keys() == FIELDS
    assert (state["values"], state["checkpoint"], state["metadata"]) == ({}, None, None)
    assert sdk.threads.get_history(thread_id) == []


def test_a_graph_alone_gives_no_state(sdk: SyncLangGraphClient) -> None:
    made = sdk.threads.create(graph_id="echo")

    assert sdk.threads.get_state(made["thread_id"])["checkpoint"] is None


def test_the_state_has_the_shape_clients_expect(sdk: SyncLangGraphClient, echoed: str) -> None:
    state = sdk.threads.get_state(echoed)

    assert state.keys() == FIELDS
    assert state["values"] == {"text": "TWO", "count": 2}
    assert (state["next"], state["tasks"], state["interrupts"]) == ([], [], [])
    assert state["checkpoint"].keys() == {"thread_id", "checkpoint_ns", "checkpoint_id"}
    assert state["checkpoint"]["thread_id"] == echoed
    assert state["metadata"]["source"] == "loop"


def test_history_shows_the_newest_first(sdk: SyncLangGraphClient, echoed: str) -> None:
    states = sdk.threads.get_history(echoed, limit=100)
    ids = [state["checkpoint"]["checkpoint_id"] for state in states]

    assert len(states) == 6
    assert ids == sorted(ids, reverse=True)
    assert [state["parent_checkpoint"]["checkpoint_id"] for state in states[:-1]] == ids[1:]
    assert sdk.threads.get_history(echoed, limit=2) == states[:2]
    before: Any = states[1]["checkpoint"]
    assert sdk.threads.get_history(echoed, limit=2, before=before) == states[2:4]
    assert sdk.threads.get_history(echoed, limit=2, before=ids[1]) == states[2:4]
    inputs = sdk.threads.get_history(echoed, metadata={"source": "input"})
    assert [state["metadata"]["source"] for state in inputs] == ["input", "input"]


def test_history_is_read_by_get_too(operator: httpx.Client, echoed: str) -> None:
    url = f"/threads/{echoed}/history"
    both = operator.get(url, params={"limit": 2}).json()
    older = operator.get(
        url, params={"limit": 1, "before": both[0]["checkpoint"]["checkpoint_id"]}
    ).json()

    assert len(both) == 2
    assert older == both[1:]
    assert operator.get(url).json() == both[:1]


def test_an_older_state_is_read_by_its_checkpoint(sdk: SyncLangGraphClient, echoed: str) -> None:
    older = sdk.threads.get_history(echoed, limit=100)[3]
    checkpoint_id = older["checkpoint"]["checkpoint_id"]

    assert older["values"] == {"text": "ONE", "count": 1}
    assert sdk.threads.get_state(echoed, checkpoint_id=checkpoint_id) == older
    assert sdk.threads.get_state(echoed, checkpoint=older["checkpoint"]) == older


class TestUpdate:
    def test_writes_a_checkpoint(self, sdk: SyncLangGraphClient, echoed: str) -> None:
        written = sdk.threads.update_state(echoed, {"count": 10}, as_node="say")
        state = sdk.threads.get_state(echoed)

        assert state["checkpoint"] == written["checkpoint"]
        assert state["values"] == {"text": "TWO", "count": 12}
        assert state["metadata"]["source"] == "update"
        assert sdk.threads.get(echoed)["values"] == {"text": "TWO", "count": 12}

    def test_forks_from_an_older_checkpoint(self, sdk: SyncLangGraphClient, echoed: str) -> None:
        older = sdk.threads.get_history(echoed, limit=100)[3]["checkpoint"]
        sdk.threads.update_state(
            echoed, {"text": "fork"}, as_node="say", checkpoint_id=older["checkpoint_id"]
        )
        state = sdk.threads.get_state(echoed)

        assert state["values"] == {"text": "fork", "count": 1}
        assert state["parent_checkpoint"]["checkpoint_id"] == older["checkpoint_id"]

    def test_starts_a_thread_that_knows_its_graph(self, sdk: SyncLangGraphClient) -> None:
        thread_id = sdk.threads.create(graph_id="echo")["thread_id"]
        sdk.threads.update_state(thread_id, {"text": "given"}, as_node="say")

        assert sdk.threads.get_state(thread_id)["values"]["text"] == "given"

    def test_is_refused_while_a_run_executes(
        self,
        sdk: SyncLangGraphClient,
        thread_id: str,
        gate: Any,
        has_status: Callable[..., None],
    ) -> None:
        run = sdk.runs.create(thread_id, "waits", input=gate.input)
        has_status(run, "running")

        with pytest.raises(ConflictError) as caught:
            sdk.threads.update_state(thread_id, {"done": False})
        assert caught.value.code == "thread_busy"
        gate.open()
        assert sdk.runs.join(thread_id, run["run_id"])["done"] is True

    @pytest.mark.parametrize(
        ("values", "as_node"), [({"text": "x"}, "nobody"), ("text", "say"), ({"count": "x"}, "say")]
    )
    def test_is_refused_when_the_graph_refuses(
        self, sdk: SyncLangGraphClient, echoed: str, values: Any, as_node: str
    ) -> None:
        before = sdk.threads.get_state(echoed)

        with pytest.raises(UnprocessableEntityError, match="refused"):
            sdk.threads.update_state(echoed, values, as_node=as_node)
        assert sdk.threads.get_state(echoed) == before
        # The thread is as usable as before.
        assert sdk.runs.wait(echoed, "echo", input={"text": "x"})["count"] == 3

    def test_needs_a_graph(self, sdk: SyncLangGraphClient, thread_id: str) -> None:
        with pytest.raises(UnprocessableEntityError, match="no graph yet"):
            sdk.threads.update_state(thread_id, {"text": "x"})


class TestAnUnknownPlace:
    PLACES = (
        {"checkpoint_id": "00000000-0000-4000-8000-000000000000"},
        {"checkpoint_id": "x"},
        {"checkpoint_ns": "x"},
    )

    @pytest.mark.parametrize("place", PLACES, ids=str)
    def test_is_not_found(
        self, sdk: SyncLangGraphClient, echoed: str, place: dict[str, str]
    ) -> None:
        checkpoint: Any = {"thread_id": echoed, **place}

        with pytest.raises(NotFoundError):
            sdk.threads.get_state(echoed, checkpoint=checkpoint)

    @pytest.mark.parametrize("text", ["x", "%00", "%2e%2e", "a%20b"])
    def test_is_not_found_in_the_address(
        self, operator: httpx.Client, echoed: str, text: str
    ) -> None:
        answer = operator.get(f"/threads/{echoed}/state/{text}")

        assert answer.status_code in {404, 422}
        assert answer.json()["code"] in {"not_found", "bad_address"}

    @pytest.mark.parametrize("place", PLACES[:2], ids=str)
    def test_takes_no_update_and_no_run(
        self, operator: httpx.Client, echoed: str, place: dict[str, str]
    ) -> None:
        count = len(operator.get(f"/threads/{echoed}/history?limit=100").json())
        update = {"values": {"text": "x"}, "as_node": "say", "checkpoint": place}
        assert operator.post(f"/threads/{echoed}/state", json=update).status_code == 404
        for body in (
            {"checkpoint": place},
            place,
            {"config": {"configurable": place}},
        ):
            order = {"assistant_id": "echo", "input": {"text": "x"}, **body}
            assert operator.post(f"/threads/{echoed}/runs", json=order).status_code == 404

        assert len(operator.get(f"/threads/{echoed}/history?limit=100").json()) == count

    def test_has_no_history(self, operator: httpx.Client, echoed: str) -> None:
        body = {"checkpoint": {"checkpoint_ns": "x"}}

        assert operator.post(f"/threads/{echoed}/history", json=body).status_code == 404


def test_a_run_starts_from_an_older_checkpoint(sdk: SyncLangGraphClient, echoed: str) -> None:
    older: Any = sdk.threads.get_history(echoed, limit=100)[3]["checkpoint"]
    values: Any = sdk.runs.wait(echoed, "echo", input={"text": "fork"}, checkpoint=older)

    assert values == {"text": "FORK", "count": 2}


def test_a_waiting_subgraph_is_shown_when_asked_for(
    sdk: SyncLangGraphClient, thread_id: str
) -> None:
    sdk.runs.wait(thread_id, "nested", input={"subject": "x"})
    (outer,) = sdk.threads.get_state(thread_id)["tasks"]
    (deep,) = sdk.threads.get_state(thread_id, subgraphs=True)["tasks"]
    place = deep["state"]["checkpoint"]

    assert outer["state"] is None
    assert outer["checkpoint"]["checkpoint_ns"] == place["checkpoint_ns"]
    assert deep["state"]["values"] == {"subject": "x", "answers": []}
    assert sdk.threads.get_state(thread_id, checkpoint=place)["next"] == ["ask"]


@pytest.mark.parametrize(
    "body",
    [{"before": 7}, {"before": {"configurable": 7}}, {"limit": 0}, {"metadata": []}],
    ids=str,
)
def test_a_bad_question_about_history_is_refused(
    operator: httpx.Client, thread_id: str, body: dict[str, Any]
) -> None:
    assert operator.post(f"/threads/{thread_id}/history", json=body).status_code == 422


def test_history_is_filtered_by_odd_metadata(operator: httpx.Client, echoed: str) -> None:
    for key in ("a.b", 'a"b', "a'b", "%s", "", "0", "$"):
        for value in (True, 1, "x", {"a": [1]}):
            body = {"metadata": {key: value}, "limit": 100}
            assert operator.post(f"/threads/{echoed}/history", json=body).json() == [], body

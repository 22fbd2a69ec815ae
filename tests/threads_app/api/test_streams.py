"""Runs streamed over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import httpx
import pytest
from langgraph_sdk.client import SyncLangGraphClient

HasStatus = Callable[[dict[str, Any], str], None]
ECHO = {"assistant_id": "echo", "input": {"text": "hello"}}


class Event(NamedTuple):
    event: str
    data: Any
    id: str | None


def parsed(lines: Iterator[str]) -> Iterator[Event]:
    """Yield the events of a stream, by the rules of the format."""
    fields: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(": ")
        if line and name:
            fields[name] = value
        elif fields:
            yield Event(fields["event"], json.loads(fields["data"]), fields.get("id"))
            fields = {}


def streamed(client: httpx.Client, thread_id: str, body: dict[str, Any]) -> list[Event]:
    url = f"/threads/{thread_id}/runs/stream"
    with client.stream("POST", url, json=body) as answer:
        assert answer.is_success, answer.read()
        return list(parsed(answer.iter_lines()))


def replayed(client: httpx.Client, run: dict[str, Any], **headers: str) -> list[Event]:
    url = f"/threads/{run['thread_id']}/runs/{run['run_id']}/stream"
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    with client.stream("GET", url, headers=named) as answer:
        assert answer.is_success, answer.read()
        return list(parsed(answer.iter_lines()))


def finished(client: httpx.Client, thread_id: str, **body: Any) -> dict[str, Any]:
    """Return a run of the echo graph that has ended."""
    run = client.post(f"/threads/{thread_id}/runs", json={**ECHO, **body}).json()
    client.get(f"/threads/{thread_id}/runs/{run['run_id']}/join").raise_for_status()
    return run


def test_a_stream_has_the_headers_and_frames_clients_expect(
    operator: httpx.Client, thread_id: str
) -> None:
    url = f"/threads/{thread_id}/runs/stream"
    with operator.stream("POST", url, json={**ECHO, "stream_mode": ["values"]}) as answer:
        events = list(parsed(answer.iter_lines()))

    run_id = events[0].data["run_id"]
    assert answer.headers["Content-Type"] == "text/event-stream"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Accel-Buffering"] == "no"
    assert answer.headers["Content-Location"] == f"/threads/{thread_id}/runs/{run_id}"
    assert answer.headers["Location"] == f"/threads/{thread_id}/runs/{run_id}/stream"
    assert [event.event for event in events] == ["metadata", "values", "values", "end"]
    assert events[0].data == {"run_id": run_id, "attempt": 1}
    assert events[2].data == {"text": "HELLO", "count": 1}


def test_the_sdk_streams_tokens_updates_and_custom_events(
    sdk: SyncLangGraphClient, thread_id: str
) -> None:
    modes: Any = ["messages-tuple", "updates", "custom", "tasks", "checkpoints"]
    asked = {"messages": [{"role": "user", "content": "hello"}]}
    parts = list(sdk.runs.stream(thread_id, "chat", input=asked, stream_mode=modes))

    by_event: dict[str, list[Any]] = {}
    for part in parts:
        by_event.setdefault(part.event, []).append(part.data)
    tokens = [chunk["content"] for chunk, _ in by_event["messages"]]
    assert "".join(tokens) == "three short words"
    assert len(tokens) > 1
    assert by_event["messages"][0][1]["langgraph_node"] == "talk"
    assert by_event["custom"] == [{"progress": 0.5}]
    assert by_event["updates"][0].keys() == {"talk"}
    assert [task["name"] for task in by_event["tasks"]] == ["talk", "talk"]
    assert by_event["checkpoints"][-1]["next"] == []
    assert by_event["checkpoints"][-1]["values"]["messages"][-1]["content"] == "three short words"


def test_only_the_modes_asked_for_arrive(operator: httpx.Client, thread_id: str) -> None:
    events = streamed(operator, thread_id, {**ECHO, "stream_mode": "updates"})

    assert [event.event for event in events] == ["metadata", "updates", "end"]
    assert events[1].data == {"say": {"text": "HELLO", "count": 1}}


@pytest.mark.parametrize(("subgraphs", "inner"), [(True, True), (False, False)])
def test_subgraphs_arrive_when_asked_for(
    operator: httpx.Client, thread_id: str, subgraphs: bool, inner: bool
) -> None:
    body = {
        "assistant_id": "nested",
        "input": {"subject": "x"},
        "stream_mode": ["updates", "values"],
        "stream_subgraphs": subgraphs,
    }
    names = [event.event for event in streamed(operator, thread_id, body)]

    assert any(name.startswith("values|inner:") for name in names) == inner


def test_a_failure_arrives_as_an_error(operator: httpx.Client, thread_id: str) -> None:
    body = {"assistant_id": "fails", "input": {"text": "x"}}
    events = streamed(operator, thread_id, body)

    assert events[-1].event == "error"
    assert events[-1].data["error"] == "LookupError"
    assert "no such page" in events[-1].data["message"]
    assert "end" not in [event.event for event in events]


def test_a_question_arrives_in_the_stream(operator: httpx.Client, thread_id: str) -> None:
    body = {
        "assistant_id": "asks",
        "input": {"subject": "x"},
        "stream_mode": ["values", "updates"],
    }
    events = streamed(operator, thread_id, body)

    shown = [
        event.data["__interrupt__"] for event in events if "__interrupt__" in (event.data or {})
    ]
    assert len(shown) == 2
    assert shown[0] == shown[1]
    assert shown[0][0]["value"] == {"about": "x"}
    assert events[-1].event == "end"


def test_large_values_arrive_whole(operator: httpx.Client, thread_id: str) -> None:
    body = {"assistant_id": "large", "input": {"text": "é"}, "stream_mode": ["values"]}
    events = streamed(operator, thread_id, body)

    assert events[-2].data == {"text": "é" * 20_000, "count": 1}
    again = replayed(operator, {"thread_id": thread_id, "run_id": events[0].data["run_id"]})
    assert again[1:] == events[1:]
    waited = operator.post(f"/threads/{thread_id}/runs/wait", json=body).json()
    assert waited["count"] == 2
    assert len(waited["text"]) == 20_000


def test_the_types_of_a_project_are_shown_as_json_everywhere(
    operator: httpx.Client, thread_id: str
) -> None:
    body = {"assistant_id": "typed", "input": {"note": "n"}, "stream_mode": ["values"]}
    wheels = [{"name": "wheel", "color": "red"}] * 3
    expected = {"parts": wheels, "note": "n" * 20_000}
    waited = operator.post(f"/threads/{thread_id}/runs/wait", json=body).json()
    state = operator.get(f"/threads/{thread_id}/state").json()

    assert waited == state["values"] == expected
    assert streamed(operator, thread_id, body)[-2].data == expected
    preview = operator.get(f"/threads/{thread_id}").json()["values"]
    assert preview == expected


class TestReplay:
    def test_shows_a_finished_run_from_its_start(
        self, operator: httpx.Client, thread_id: str
    ) -> None:
        events = streamed(operator, thread_id, {**ECHO, "stream_mode": ["values", "updates"]})
        run = {"thread_id": thread_id, "run_id": events[0].data["run_id"]}

        assert replayed(operator, run) == events
        assert replayed(operator, run, Last_Event_ID="-1") == events

    def test_continues_after_the_last_event_seen(
        self, operator: httpx.Client, thread_id: str
    ) -> None:
        events = streamed(operator, thread_id, {**ECHO, "stream_mode": ["values", "updates"]})
        run = {"thread_id": thread_id, "run_id": events[0].data["run_id"]}

        for place in range(1, len(events)):
            seen = events[place].id
            assert replayed(operator, run, Last_Event_ID=str(seen)) == events[place + 1 :]

    def test_ends_at_once_when_all_was_seen(self, operator: httpx.Client, thread_id: str) -> None:
        run = finished(operator, thread_id)

        assert replayed(operator, run, Last_Event_ID="999999") == []

    def test_shows_one_run_only(self, operator: httpx.Client, thread_id: str) -> None:
        first = finished(operator, thread_id, input={"text": "first"})
        finished(operator, thread_id, input={"text": "second"})

        texts = [event.data["text"] for event in replayed(operator, first)[1:-1]]
        assert texts[-1] == "FIRST"
        assert "SECOND" not in texts

    @pytest.mark.parametrize("seen", ["x", "1-0", "1 2", "9" * 30, "²"])
    def test_refuses_other_ids(self, operator: httpx.Client, thread_id: str, seen: str) -> None:
        run = finished(operator, thread_id)
        url = f"/threads/{thread_id}/runs/{run['run_id']}/stream"
        answer = operator.get(url, headers={"Last-Event-ID": seen.encode()})  # type: ignore[dict-item]

        assert answer.status_code == 422

    def test_is_offered_by_the_sdk(self, sdk: SyncLangGraphClient, thread_id: str) -> None:
        run = sdk.runs.create(thread_id, "echo", input={"text": "x"}, stream_mode=["values"])
        live = list(sdk.runs.join_stream(thread_id, run["run_id"]))
        tail = list(sdk.runs.join_stream(thread_id, run["run_id"], last_event_id=live[1].id))

        assert [part.event for part in live] == ["metadata", "values", "values", "end"]
        assert tail == live[2:]


def test_a_cut_stream_is_taken_up_by_the_sdk(
    sdk: SyncLangGraphClient, thread_id: str, gate: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address in Location leads the client back, wherever the API is mounted."""
    monkeypatch.setattr("langgraph_sdk._sync.http._reconnect_delay", lambda *_, **__: 0)
    lines = httpx.Response.iter_raw
    cuts: list[str] = []

    def cut_once(response: httpx.Response, *args: Any) -> Iterator[bytes]:
        for chunk in lines(response, *args):
            yield chunk
            if b"event: custom" in chunk and not cuts:
                cuts.append(str(response.url))
                gate.open()
                raise httpx.ReadError("cut")

    monkeypatch.setattr(httpx.Response, "iter_raw", cut_once)
    modes: Any = ["custom", "updates"]
    parts = list(sdk.runs.stream(thread_id, "waits", input=gate.input, stream_mode=modes))

    assert cuts
    assert [part.event for part in parts] == ["metadata", "custom", "updates", "end"]


class TestAClientThatGoesAway:
    @pytest.mark.parametrize("route", ["runs/stream", "runs/wait"])
    def test_cancels_its_run_when_it_said_so(
        self, operator: httpx.Client, thread_id: str, gate: Any, has_status: HasStatus, route: str
    ) -> None:
        run = self.leave(operator, thread_id, gate, route, on_disconnect="cancel")

        has_status(run, "interrupted")

    def test_leaves_its_run_alone_otherwise(
        self, operator: httpx.Client, thread_id: str, gate: Any, has_status: HasStatus
    ) -> None:
        run = self.leave(operator, thread_id, gate, "runs/stream")
        gate.open()

        has_status(run, "success")

    def test_may_say_so_when_it_joins(
        self, operator: httpx.Client, thread_id: str, gate: Any, has_status: HasStatus
    ) -> None:
        body = {"assistant_id": "waits", "input": gate.input, "stream_mode": ["custom"]}
        run = operator.post(f"/threads/{thread_id}/runs", json=body).json()
        url = f"/threads/{thread_id}/runs/{run['run_id']}/stream"
        with operator.stream("GET", url, params={"cancel_on_disconnect": "true"}) as answer:
            assert next(parsed(answer.iter_lines())).event == "metadata"
        has_status(run, "interrupted")

    def leave(
        self, client: httpx.Client, thread_id: str, gate: Any, route: str, **more: str
    ) -> dict[str, Any]:
        """Start a run that waits, and go away."""
        body = {"assistant_id": "waits", "input": gate.input, **more}
        with client.stream("POST", f"/threads/{thread_id}/{route}", json=body) as answer:
            run_id = answer.headers["Content-Location"].rpartition("/")[2]
        return {"thread_id": thread_id, "run_id": run_id}

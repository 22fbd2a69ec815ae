"""What only a real server shows: bodies on the wire, keys, runs that block a thread."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import httpx
from langgraph_sdk.client import SyncLangGraphClient

LIMIT = 4 * 1024 * 1024


def test_a_body_has_a_limit(operator: httpx.Client, thread_id: str) -> None:
    body = {"assistant_id": "echo", "input": {"text": "x" * (LIMIT - 100)}}
    url = f"/threads/{thread_id}/runs"
    assert operator.post(url, json=body).status_code == 200
    answer = operator.post(url, content=json.dumps(body) + " " * 100)

    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert len(operator.get(url).json()) == 1


def test_a_body_in_chunks_is_refused_and_not_ignored(operator: httpx.Client) -> None:
    def chunks() -> Iterator[bytes]:
        yield b'{"title": '
        yield b'"x"}'

    answer = operator.post("/threads", content=chunks())

    assert (answer.status_code, answer.json()["code"]) == (411, "length_required")


def test_an_empty_body_needs_no_content_type(operator: httpx.Client) -> None:
    assert operator.post("/threads/search").status_code == 200


def test_a_clients_own_request_id_comes_back_on_streams_too(
    operator: httpx.Client, thread_id: str
) -> None:
    url = f"/threads/{thread_id}/runs/stream"
    body = {"assistant_id": "echo", "input": {"text": "x"}}
    answer = operator.post(url, json=body, headers={"X-Request-ID": "mine"})

    assert answer.headers["X-Request-ID"] == "mine"
    assert uuid.UUID(answer.headers["X-Correlation-ID"])


def test_a_key_may_be_sent_as_a_bearer(address: str, keys: dict[str, str]) -> None:
    sent = {"Authorization": f"Bearer {keys['operator']}"}

    assert httpx.get(f"{address}/graphs", headers=sent).status_code == 200
    assert httpx.get(f"{address}/graphs").status_code == 401


def test_a_run_that_blocks_its_thread_is_left_behind(
    sdk: SyncLangGraphClient, thread_id: str, gate: Any, has_status: Callable[..., None]
) -> None:
    run = sdk.runs.create(thread_id, "waits_blocking", input=gate.input)
    has_status(run, "running")
    sdk.runs.cancel(thread_id, run["run_id"], wait=True)
    gate.open()

    assert sdk.runs.get(thread_id, run["run_id"])["status"] == "interrupted"
    values: Any = sdk.runs.wait(thread_id, "waits_blocking", input=gate.input)
    assert values["done"] is True

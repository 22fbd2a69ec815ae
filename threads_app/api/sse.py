"""Server-sent events from the stream log, in the frames of LangGraph's clients."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse

from threadhub.kernel.streams import log, wakeups
from threadhub.kernel.streams.models import StreamEvent
from threads_app.models import Run
from threads_app.models.run import TERMINAL
from threads_app.selectors import runs
from threads_app.services import answers, state
from threads_app.services.state import Place

HEARTBEAT_SECONDS = 5.0
_ENDS = frozenset(f"run.{status}" for status in TERMINAL)
# The name a kind of event has among the stream modes.
_MODES = {"messages": "messages-tuple"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Watching:
    """What a client wants to see of a run."""

    run: Run
    modes: frozenset[str]
    subgraphs: bool = False
    after: int = 0
    # Called when the client goes away before the run has ended.
    abandon: Callable[[], Any] | None = None


def respond(watching: Watching, headers: dict[str, str]) -> StreamingHttpResponse:
    """Return the response that streams the run until it ends."""
    response = StreamingHttpResponse(frames(watching), content_type="text/event-stream")
    return _unbuffered(response, headers)


def respond_waiting(watching: Watching, headers: dict[str, str]) -> StreamingHttpResponse:
    """Return the response that stays open, with blanks, until the run's result is there."""
    response = StreamingHttpResponse(_result(watching), content_type="application/json")
    return _unbuffered(response, headers)


def _unbuffered(response: StreamingHttpResponse, headers: dict[str, str]) -> StreamingHttpResponse:
    for name, value in {**headers, "Cache-Control": "no-store", "X-Accel-Buffering": "no"}.items():
        response.headers[name] = value
    return response


async def frames(watching: Watching) -> AsyncIterator[bytes]:
    """Yield the run's frames from `after` on, and comments while nothing happens."""
    run = watching.run
    if watching.after <= 0:
        yield _frame("metadata", {"run_id": str(run.public_id), "attempt": max(run.attempt, 1)})
    async for event in _events(watching):
        if event is None:
            yield b": heartbeat\r\n\r\n"
            continue
        frame = await _translate(watching, event)
        if frame is not None:
            yield frame


async def _events(watching: Watching) -> AsyncIterator[StreamEvent | None]:
    """Yield the run's events up to its end; None whenever nothing came for a while."""
    run, after = watching.run, watching.after
    read = sync_to_async(log.read, thread_sensitive=False)
    with wakeups.watching(run.thread.stream_id) as watch:
        try:
            while True:
                batch = await read(
                    stream_id=run.thread.stream_id, after=after, run_id=run.public_id
                )
                for event in batch:
                    after = event.seq
                    yield event
                    if event.kind in _ENDS:
                        return
                if batch or await watch.wait(timeout=HEARTBEAT_SECONDS):
                    continue
                if await _is_over(run):
                    return
                yield None
        except asyncio.CancelledError:
            if watching.abandon is not None:
                await sync_to_async(watching.abandon, thread_sensitive=False)()
            raise


async def _is_over(run: Run) -> bool:
    """Say whether nothing more can come: the run is gone, or ended before its events were cut."""
    status = await sync_to_async(runs.status_of, thread_sensitive=False)(run_id=run.pk)
    return status is None or status in TERMINAL


async def _translate(watching: Watching, event: StreamEvent) -> bytes | None:
    if event.kind in {"run.error", "run.timeout"}:
        return _frame("error", event.payload["error"], event.seq)
    if event.kind in _ENDS:
        return _frame("end", None, event.seq)
    if _MODES.get(event.kind, event.kind) not in watching.modes:
        return None
    where = event.payload.get("ns", "")
    if where and not watching.subgraphs:
        return None
    name = f"{event.kind}|{where}" if where else event.kind
    return _frame(name, await _data(watching.run, event), event.seq)


async def _data(run: Run, event: StreamEvent) -> Any:
    payload = event.payload
    if event.kind == "messages":
        return [payload["message"], payload["metadata"]]
    if "data" in payload:
        return payload["data"]
    place = Place(checkpoint_id=payload["checkpoint_id"], namespace=payload["ns"])
    values = await sync_to_async(state.values_at, thread_sensitive=False)(
        thread=run.thread, place=place
    )
    if payload.get("interrupts"):
        values = {**(values or {}), "__interrupt__": payload["interrupts"]}
    return values


def _frame(event: str, data: Any, seq: int | None = None) -> bytes:
    identity = f"id: {seq}\r\n" if seq is not None else ""
    text = json.dumps(data, default=str)
    return f"event: {event}\r\ndata: {text}\r\n{identity}\r\n".encode()


async def _result(watching: Watching) -> AsyncIterator[bytes]:
    async for event in _events(watching):
        if event is None:
            yield b" "
    found = await sync_to_async(answers.result, thread_sensitive=False)(run_id=watching.run.pk)
    yield json.dumps(found, default=str).encode()

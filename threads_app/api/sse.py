"""Server-sent events from the stream log, in the frames of LangGraph's clients."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from channels.db import DatabaseSyncToAsync
from django.db import close_old_connections
from django.http import StreamingHttpResponse

from threadhub.kernel.errors import NotVisible
from threadhub.kernel.streams import log, wakeups
from threads_app.models.run import TERMINAL
from threads_app.runtime.messages import Accumulator
from threads_app.selectors import runs
from threads_app.services import answers, state
from threads_app.services.state import Place

if TYPE_CHECKING:
    from threadhub.kernel.streams.models import StreamEvent
    from threads_app.models import Run

HEARTBEAT_SECONDS = 5.0
RIGHTS_SECONDS = 5.0
_ENDS = frozenset(f"run.{status}" for status in TERMINAL)
_FAILURES = frozenset({"run.error", "run.timeout"})
# Streams share a few threads, whose connections are given back after each call.
_in_thread = partial(DatabaseSyncToAsync, thread_sensitive=False)

Abandon = Callable[[], None]


class RightLost(NotVisible):
    """The caller may not see the run any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watching:
    """What a client wants to see of a run."""

    run: Run
    modes: frozenset[str] = frozenset()
    subgraphs: bool = False
    after: int = 0
    # Says whether the caller may still see the run; asked again while the stream is open.
    may_watch: Callable[[], bool]
    # Called when the client goes away before the run has ended.
    abandon: Abandon | None = None

    def __post_init__(self) -> None:
        """Load what the generators, which cannot query, ask of the run."""
        assert self.run.thread.stream_id


def respond(watching: Watching, headers: dict[str, str]) -> StreamingHttpResponse:
    """Return the response that streams the run until it ends."""
    return _streaming(watching, frames(watching), "text/event-stream", headers)


def respond_waiting(watching: Watching, headers: dict[str, str]) -> StreamingHttpResponse:
    """Return the response that stays open, with blanks, until the run's result is there."""
    return _streaming(watching, _result(watching), "application/json", headers)


def _streaming(
    watching: Watching,
    parts: AsyncGenerator[bytes],
    content_type: str,
    headers: dict[str, str],
) -> StreamingHttpResponse:
    # The view's thread lives as long as the stream; its connection need not.
    close_old_connections()
    unbuffered = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingHttpResponse(
        _until_gone(parts, watching.abandon),
        content_type=content_type,
        headers={**headers, **unbuffered},
    )


async def _until_gone(
    parts: AsyncGenerator[bytes], abandon: Abandon | None
) -> AsyncIterator[bytes]:
    """Yield the parts; when the client goes away before their end, abandon the run."""
    try:
        async with aclosing(parts):
            async for part in parts:
                yield part
    except (asyncio.CancelledError, GeneratorExit):
        if abandon is not None:
            await _in_thread(abandon)()
        raise


async def frames(watching: Watching) -> AsyncGenerator[bytes]:
    """Yield the run's frames from `after` on, and comments while nothing happens."""
    run = watching.run
    if watching.after <= 0:
        yield _frame("metadata", {"run_id": str(run.public_id), "attempt": max(run.attempt, 1)})
    try:
        async with aclosing(_shown(watching)) as shown:
            async for frame in shown:
                yield frame
    except RightLost as error:
        yield _frame("error", {"error": "NotVisible", "message": error.message})


async def _shown(watching: Watching) -> AsyncGenerator[bytes]:
    is_back = watching.after > 0 and "messages" in watching.modes
    messages = await _in_thread(_recalled)(watching) if is_back else Accumulator()
    async with aclosing(_events(watching)) as events:
        async for event in events:
            if event is None:
                yield b": heartbeat\r\n\r\n"
            elif event.kind == "messages":
                for part in _messages(watching, messages, event):
                    yield part
            elif (frame := await _translate(watching, event)) is not None:
                yield frame


async def _events(watching: Watching) -> AsyncGenerator[StreamEvent | None]:
    """Yield the run's events up to its end; None whenever nothing came for a while.

    Raises RightLost: rights are asked about every 5 s, and when a wake-up brought no event
    of the run, since a change of rights wakes too.
    """
    run, after, is_over = watching.run, watching.after, False
    stream_id = run.thread.stream_id
    asked_at, is_woken = time.monotonic(), False
    with wakeups.watching(stream_id) as watch:
        while True:
            batch = await _in_thread(log.read)(
                stream_id=stream_id, after=after, run_id=run.public_id
            )
            if (is_woken and not batch) or time.monotonic() - asked_at >= RIGHTS_SECONDS:
                await _demand_right(watching)
                asked_at = time.monotonic()
            for event in batch:
                after = event.seq
                yield event
                if event.kind in _ENDS:
                    return
            is_woken = False
            if batch:
                continue
            if is_over:
                return
            # What ended the run wrote its last event with it: one more read finds all.
            is_over = await _is_over(run)
            if not is_over:
                is_woken = await watch.wait(timeout=HEARTBEAT_SECONDS)
                if not is_woken:
                    yield None


async def _demand_right(watching: Watching) -> None:
    if await _in_thread(watching.may_watch)():
        return
    # A run that is gone ends its stream in its own way.
    if await _in_thread(runs.status_of)(run_id=watching.run.pk) is not None:
        raise RightLost("There is no such run.")


async def _is_over(run: Run) -> bool:
    """Say whether nothing more can come: the run has ended, or is gone."""
    status = await _in_thread(runs.status_of)(run_id=run.pk)
    return status is None or status in TERMINAL


async def _translate(watching: Watching, event: StreamEvent) -> bytes | None:
    payload = event.payload
    if event.kind in _FAILURES:
        failure = await _in_thread(answers.result)(run_id=watching.run.pk)
        return _frame("error", failure["__error__"], event.seq)
    if event.kind in _ENDS:
        return _frame("end", None, event.seq)
    if event.kind not in watching.modes or _is_hidden(watching, event):
        return None
    return _frame(_named(event.kind, event), await _data(watching.run, payload), event.seq)


def _is_hidden(watching: Watching, event: StreamEvent) -> bool:
    return bool(event.payload.get("ns")) and not watching.subgraphs


def _named(name: str, event: StreamEvent) -> str:
    where = event.payload.get("ns")
    return f"{name}|{where}" if where else name


def _recalled(watching: Watching) -> Accumulator:
    """Return the messages as far as a client that comes back has seen them."""
    messages = Accumulator()
    after, seen = 0, watching.after
    while after < seen:
        batch = log.read(
            stream_id=watching.run.thread.stream_id, after=after, run_id=watching.run.public_id
        )
        after = batch[-1].seq if batch else seen
        for event in batch:
            if event.kind == "messages" and event.seq <= seen and not _is_hidden(watching, event):
                messages.is_new(event.payload["message"])
                messages.grown(event.payload["message"], is_chunk=event.payload["chunk"])
    return messages


def _messages(watching: Watching, messages: Accumulator, event: StreamEvent) -> Iterator[bytes]:
    """Yield a token as the modes show it: as it is, and as the message it is the end of.

    The last frame carries the event's id: a client that saw only the first sees it again.
    """
    if _is_hidden(watching, event):
        return
    message, metadata = event.payload["message"], event.payload["metadata"]
    shown: list[tuple[str, Any]] = []
    if "messages-tuple" in watching.modes:
        shown.append(("messages", [message, metadata]))
    if "messages" in watching.modes:
        if messages.is_new(message):
            shown.append(("messages/metadata", {str(message.get("id")): {"metadata": metadata}}))
        is_chunk = event.payload["chunk"]
        name = "messages/partial" if is_chunk else "messages/complete"
        shown.append((name, [messages.grown(message, is_chunk=is_chunk)]))
    for place, (name, data) in enumerate(shown, start=1):
        yield _frame(_named(name, event), data, event.seq if place == len(shown) else None)


async def _data(run: Run, payload: dict[str, Any]) -> Any:
    if "data" in payload:
        return payload["data"]
    return await _in_thread(_referenced)(run, payload)


def _referenced(run: Run, payload: dict[str, Any]) -> dict[str, Any]:
    """Return the values of the checkpoint that stands in the log for them."""
    place = Place(checkpoint_id=payload["checkpoint_id"], namespace=payload["ns"])
    channels = () if payload["ns"] else run.graph.description.get("stream_channels", ())
    values = state.values_at(thread=run.thread, place=place, channels=channels)
    asked = payload.get("interrupts")
    return {**values, "__interrupt__": asked} if asked else values


def _frame(event: str, data: Any, seq: int | None = None) -> bytes:
    identity = f"id: {seq}\r\n" if seq is not None else ""
    text = json.dumps(data, default=str)
    return f"event: {event}\r\ndata: {text}\r\n{identity}\r\n".encode()


async def _result(watching: Watching) -> AsyncGenerator[bytes]:
    # The first blank takes the headers to the client, which say where to look for the run.
    yield b" "
    try:
        async with aclosing(_events(watching)) as events:
            async for event in events:
                if event is None:
                    yield b" "
        await _demand_right(watching)
        found = await _in_thread(answers.result)(run_id=watching.run.pk)
    except RightLost as error:
        found = {"__error__": {"error": "NotVisible", "message": error.message}}
    yield json.dumps(found, default=str).encode()

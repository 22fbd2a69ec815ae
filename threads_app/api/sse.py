"""Server-sent events from the stream log, in the frames of LangGraph's clients."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from threadhub.kernel.api.sse import (
    HEARTBEAT,
    Abandon,
    RightLost,
    Subject,
    demand_right,
    error_frame,
    events,
    frame,
    in_thread,
    streaming,
)
from threadhub.kernel.streams import log
from threads_app.models.run import TERMINAL
from threads_app.runtime.messages import Accumulator
from threads_app.selectors import runs
from threads_app.services import answers, state
from threads_app.services.state import Place

if TYPE_CHECKING:
    from django.http import StreamingHttpResponse

    from threadhub.kernel.streams.models import StreamEvent
    from threads_app.models import Run

_ENDS = frozenset(f"run.{status}" for status in TERMINAL)
_FAILURES = frozenset({"run.error", "run.timeout"})


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
    return streaming(frames(watching), headers=headers, abandon=watching.abandon)


def respond_waiting(watching: Watching, headers: dict[str, str]) -> StreamingHttpResponse:
    """Return the response that stays open, with blanks, until the run's result is there."""
    return streaming(
        _result(watching),
        content_type="application/json",
        headers=headers,
        abandon=watching.abandon,
    )


async def frames(watching: Watching) -> AsyncGenerator[bytes]:
    """Yield the run's frames from `after` on, and comments while nothing happens."""
    run = watching.run
    if watching.after <= 0:
        yield frame("metadata", {"run_id": str(run.public_id), "attempt": max(run.attempt, 1)})
    else:
        yield HEARTBEAT
    try:
        async with aclosing(_shown(watching)) as shown:
            async for part in shown:
                yield part
    except RightLost as error:
        yield error_frame(error)


async def _shown(watching: Watching) -> AsyncGenerator[bytes]:
    is_back = watching.after > 0 and "messages" in watching.modes
    messages = await in_thread(_recalled)(watching) if is_back else Accumulator()
    async with aclosing(_events(watching)) as found:
        async for event in found:
            if event is None:
                yield HEARTBEAT
            elif event.kind == "messages":
                for part in _messages(watching, messages, event):
                    yield part
            elif (shown := await _translate(watching, event)) is not None:
                yield shown


def _subject(watching: Watching) -> Subject:
    run = watching.run
    return Subject(
        stream_id=run.thread.stream_id,
        run_id=run.public_id,
        is_over=partial(_is_over, run.pk),
        may_watch=watching.may_watch,
        ends=_ENDS,
    )


def _events(watching: Watching) -> AsyncGenerator[StreamEvent | None]:
    """Return the run's events up to its end; None whenever nothing came for a while."""
    return events(_subject(watching), after=watching.after)


def _is_over(run_id: int) -> bool:
    """Say whether nothing more can come: the run has ended, or is gone."""
    status = runs.status_of(run_id=run_id)
    return status is None or status in TERMINAL


async def _translate(watching: Watching, event: StreamEvent) -> bytes | None:
    payload = event.payload
    if event.kind in _FAILURES:
        failure = await in_thread(answers.result)(run_id=watching.run.pk)
        return frame("error", failure["__error__"], event.seq)
    if event.kind in _ENDS:
        return frame("end", None, event.seq)
    if event.kind not in watching.modes or _is_hidden(watching, event):
        return None
    return frame(_named(event.kind, event), await _data(watching.run, payload), event.seq)


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
        yield frame(_named(name, event), data, event.seq if place == len(shown) else None)


async def _data(run: Run, payload: dict[str, Any]) -> Any:
    if "data" in payload:
        return payload["data"]
    return await in_thread(_referenced)(run, payload)


def _referenced(run: Run, payload: dict[str, Any]) -> dict[str, Any]:
    """Return the values of the checkpoint that stands in the log for them."""
    place = Place(checkpoint_id=payload["checkpoint_id"], namespace=payload["ns"])
    channels = () if payload["ns"] else run.graph.description.get("stream_channels", ())
    values = state.values_at(thread=run.thread, place=place, channels=channels)
    asked = payload.get("interrupts")
    return {**values, "__interrupt__": asked} if asked else values


async def _result(watching: Watching) -> AsyncGenerator[bytes]:
    # The first blank takes the headers to the client, which say where to look for the run.
    yield b" "
    try:
        async with aclosing(_events(watching)) as found:
            async for event in found:
                if event is None:
                    yield b" "
        await demand_right(_subject(watching))
        result = await in_thread(answers.result)(run_id=watching.run.pk)
    except RightLost as error:
        result = {"__error__": {"error": "NotVisible", "message": error.message}}
    yield json.dumps(result, default=str).encode()

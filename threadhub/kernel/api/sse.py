"""Server-sent events from a stream's log, whatever the stream is about."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from channels.db import DatabaseSyncToAsync
from django.db import close_old_connections
from django.http import StreamingHttpResponse

from threadhub.kernel.errors import Invalid
from threadhub.kernel.streams import log, wakeups

if TYPE_CHECKING:
    from rest_framework.request import Request

    from threadhub.kernel.streams.models import StreamEvent

HEARTBEAT_SECONDS = 5.0
HEARTBEAT = b": heartbeat\r\n\r\n"
# Streams share a few threads, whose connections are given back after each call.
in_thread = partial(DatabaseSyncToAsync, thread_sensitive=False)

Abandon = Callable[[], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a stream is about, as long as something may still happen to it."""

    stream_id: int
    # Asks the database, hence in a thread.
    is_over: Callable[[], bool]
    # Kinds of events after which nothing comes, where there are such.
    ends: frozenset[str] = frozenset()
    run_id: UUID | None = None


async def events(subject: Subject, *, after: int) -> AsyncGenerator[StreamEvent | None]:
    """Yield the subject's events up to its end; None whenever nothing came for a while."""
    is_over = False
    with wakeups.watching(subject.stream_id) as watch:
        while True:
            batch = await in_thread(log.read)(
                stream_id=subject.stream_id, after=after, run_id=subject.run_id
            )
            for event in batch:
                after = event.seq
                yield event
                if event.kind in subject.ends:
                    return
            if batch:
                continue
            if is_over:
                return
            # What ended it wrote its last event with it: one more read finds all.
            is_over = await in_thread(subject.is_over)()
            if not is_over and not await watch.wait(timeout=HEARTBEAT_SECONDS):
                yield None


def frame(event: str, data: Any, seq: int | None = None) -> bytes:
    """Return one event as it goes over the wire."""
    identity = f"id: {seq}\r\n" if seq is not None else ""
    text = json.dumps(data, default=str)
    return f"event: {event}\r\ndata: {text}\r\n{identity}\r\n".encode()


def streaming(
    parts: AsyncGenerator[bytes],
    *,
    content_type: str = "text/event-stream",
    headers: dict[str, str] | None = None,
    abandon: Abandon | None = None,
) -> StreamingHttpResponse:
    """Return the response that sends the parts as they come.

    `abandon` is called when the client goes away before their end.
    """
    # The view's thread lives as long as the stream; its connection need not.
    close_old_connections()
    unbuffered = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingHttpResponse(
        _until_gone(parts, abandon),
        content_type=content_type,
        headers={**(headers or {}), **unbuffered},
    )


async def _until_gone(
    parts: AsyncGenerator[bytes], abandon: Abandon | None
) -> AsyncIterator[bytes]:
    try:
        async with aclosing(parts):
            async for part in parts:
                yield part
    except (asyncio.CancelledError, GeneratorExit):
        if abandon is not None:
            await in_thread(abandon)()
        raise


def last_event_id(request: Request) -> int:
    """Return the id of the last event the client has seen, 0 for none. Raises Invalid."""
    text = request.headers.get("Last-Event-ID", "").strip()
    if text in {"", "-1"}:
        return 0
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise Invalid("Last-Event-ID must be the id of an event of this stream, or -1.")
    return int(text)

"""What every stream of server-sent events is made of."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, Any

from channels.db import DatabaseSyncToAsync
from django.db import close_old_connections
from django.http import StreamingHttpResponse

from threadhub.kernel.errors import Invalid

if TYPE_CHECKING:
    from rest_framework.request import Request

HEARTBEAT_SECONDS = 5.0
HEARTBEAT = b": heartbeat\r\n\r\n"

# Called when the client goes away before the end.
Abandon = Callable[[], None]

# Streams share a few threads, whose connections are given back after each call.
in_thread = partial(DatabaseSyncToAsync, thread_sensitive=False)


def streaming(
    parts: AsyncGenerator[bytes],
    content_type: str,
    headers: dict[str, str],
    abandon: Abandon | None = None,
) -> StreamingHttpResponse:
    """Return the response that sends the parts as they come, until the client goes away."""
    # The view's thread lives as long as the stream; its connection need not.
    close_old_connections()
    unbuffered = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingHttpResponse(
        _until_gone(parts, abandon), content_type=content_type, headers={**headers, **unbuffered}
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


def frame(event: str, data: Any, seq: int | None = None) -> bytes:
    """Return one event; `seq` is what a client that was cut off names as the last it saw."""
    identity = f"id: {seq}\r\n" if seq is not None else ""
    text = json.dumps(data, default=str)
    return f"event: {event}\r\ndata: {text}\r\n{identity}\r\n".encode()


def last_event_id(request: Request) -> int:
    """Return the event after which the client wants to go on, 0 for the start. Raises Invalid."""
    text = request.headers.get("Last-Event-ID", "").strip()
    if text in {"", "-1"}:
        return 0
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise Invalid("Last-Event-ID must be the id of an event of this stream, or -1.")
    return int(text)

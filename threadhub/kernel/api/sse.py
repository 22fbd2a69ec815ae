"""Server-sent events from a stream's log, whatever the stream is about."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import close_old_connections
from django.http import StreamingHttpResponse

from threadhub.kernel.errors import Invalid, NotVisible
from threadhub.kernel.people.models import ApiKey
from threadhub.kernel.rbac import access
from threadhub.kernel.streams import log, wakeups

if TYPE_CHECKING:
    from django.db import models
    from rest_framework.request import Request

    from threadhub.kernel.rbac.querysets import Action
    from threadhub.kernel.streams.models import StreamEvent

HEARTBEAT_SECONDS = 5.0
RIGHTS_SECONDS = 5.0
HEARTBEAT = b": heartbeat\r\n\r\n"
in_thread = wakeups.in_thread

Abandon = Callable[[], None]


class RightLost(NotVisible):
    """The caller may not see what the stream is about any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a stream is about, as long as something may still happen to it."""

    stream_id: int
    # Both ask the database, hence in a thread; the second while the stream is open.
    is_over: Callable[[], bool]
    may_watch: Callable[[], bool]
    # Kinds of events after which nothing comes, where there are such.
    ends: frozenset[str] = frozenset()
    run_id: UUID | None = None


async def events(subject: Subject, *, after: int) -> AsyncGenerator[StreamEvent | None]:
    """Yield the subject's events up to its end; None whenever nothing came for a while.

    Raises RightLost: rights are asked about every 5 s, before a change of rights is told, and
    when a wake-up brought no event of the subject, since a change of rights wakes too.
    """
    is_over = is_woken = False
    asked_at = time.monotonic()
    with wakeups.watching(subject.stream_id) as watch:
        while True:
            batch = await in_thread(log.read)(
                stream_id=subject.stream_id, after=after, run_id=subject.run_id
            )
            has_changed = any(event.kind == "access.changed" for event in batch)
            has_changed = has_changed or (is_woken and not batch)
            if has_changed or time.monotonic() - asked_at >= RIGHTS_SECONDS:
                await demand_right(subject)
                asked_at = time.monotonic()
            for event in batch:
                after = event.seq
                yield event
                if event.kind in subject.ends:
                    return
            is_woken = False
            if batch:
                continue
            if is_over:
                return
            # What ended it wrote its last event with it: one more read finds all.
            is_over = await in_thread(subject.is_over)()
            if not is_over:
                is_woken = await watch.wait(timeout=HEARTBEAT_SECONDS)
                if not is_woken:
                    yield None


async def demand_right(subject: Subject) -> None:
    """Raise RightLost when the caller may not watch any more."""
    if not await in_thread(subject.may_watch)():
        raise RightLost("You may not see this any more.")


def may_watch(request: Request, found: models.Model, action: Action) -> Callable[[], bool]:
    """Return what says, while a stream is open, whether the caller still holds the permission.

    An object that is gone ends its stream in its own way.
    """
    user: Any = request.user
    key = request.auth.pk if isinstance(request.auth, ApiKey) else None
    return partial(_holds, found, action, user.pk, key)


def _holds(found: models.Model, action: Action, user_id: int, key_id: int | None) -> bool:
    user = get_user_model()._default_manager.filter(pk=user_id).first()
    if user is None or (key_id and not ApiKey.objects.usable().filter(pk=key_id).exists()):
        return False
    if access.can(user, action, found):
        return True
    return not type(found)._default_manager.filter(pk=found.pk).exists()


async def frames(subject: Subject, *, after: int) -> AsyncGenerator[bytes]:
    """Yield the subject's events as they are stored, and comments while nothing happens."""
    # The first comment takes the headers to a client that has nothing to catch up with.
    yield HEARTBEAT
    try:
        async with aclosing(events(subject, after=after)) as found:
            async for event in found:
                if event is None:
                    yield HEARTBEAT
                else:
                    yield frame(event.kind, event.payload, event.seq)
    except RightLost as error:
        yield error_frame(error)


def error_frame(error: RightLost) -> bytes:
    """Return the last frame of a stream whose reader may not see it any more."""
    return frame("error", {"error": "NotVisible", "message": error.message})


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

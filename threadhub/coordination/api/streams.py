"""The stream of a session's own events."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

from drf_spectacular.utils import extend_schema

from threadhub.kernel.api.streaming import (
    HEARTBEAT,
    HEARTBEAT_SECONDS,
    frame,
    in_thread,
    last_event_id,
    streaming,
)
from threadhub.kernel.streams import log, wakeups
from threads_app.api.runs import STREAM

from .routes import ERRORS, SessionRoute

if TYPE_CHECKING:
    from django.http import HttpResponseBase
    from rest_framework.request import Request


class SessionStreamView(SessionRoute):
    """/sessions/{session_id}/stream."""

    needs = {"GET": "read"}

    @extend_schema(
        operation_id="join_session_stream",
        responses={(200, "text/event-stream"): STREAM, **ERRORS},
    )
    def get(self, request: Request, session_id: str) -> HttpResponseBase:
        """Stream what happens in the session, from its start or after `Last-Event-ID`."""
        session = self.find_session(session_id)
        parts = frames(session.stream_id, after=last_event_id(request))
        return streaming(parts, "text/event-stream", {})


async def frames(stream_id: int, *, after: int) -> AsyncGenerator[bytes]:
    """Yield the stream's events in order, and comments while nothing happens, as long as it is."""
    with wakeups.watching(stream_id) as watch:
        while True:
            batch = await in_thread(log.read)(stream_id=stream_id, after=after)
            for event in batch:
                after = event.seq
                yield frame(event.kind, event.payload, event.seq)
            if batch or await watch.wait(timeout=HEARTBEAT_SECONDS):
                continue
            if not await in_thread(wakeups.last_seqs)([stream_id]):
                return
            yield HEARTBEAT

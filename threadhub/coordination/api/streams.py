"""The stream of a session's own events."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from drf_spectacular.utils import extend_schema

from threadhub.kernel.api import sse
from threadhub.kernel.streams import wakeups
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
        subject = sse.Subject(
            stream_id=session.stream_id,
            is_over=partial(_is_gone, session.stream_id),
            may_watch=sse.may_watch(request, session, "read"),
        )
        return sse.streaming(sse.frames(subject, after=sse.last_event_id(request)))


def _is_gone(stream_id: int) -> bool:
    return not wakeups.last_seqs([stream_id])

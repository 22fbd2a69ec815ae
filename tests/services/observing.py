"""What tests look at after a run."""

from __future__ import annotations

from typing import Any

from threadhub.kernel.streams.models import StreamEvent
from threads_app.models import Thread
from threads_app.services import state


def kinds(thread: Thread) -> list[str]:
    """Return the kinds of the thread's events, after checking that none is missing."""
    events = list(StreamEvent.objects.filter(stream=thread.stream_id).order_by("seq"))
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    return [event.kind for event in events]


def values(thread: Thread) -> dict[str, Any]:
    """Return the thread's values."""
    thread.refresh_from_db()
    found: dict[str, Any] = state.read(thread=thread)["values"]
    return found

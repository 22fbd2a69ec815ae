"""Reads of a run's events."""

from __future__ import annotations

from uuid import UUID

from threadhub.kernel.streams.models import StreamEvent


def last_checkpoint(*, run_id: UUID) -> str:
    """Return the id of the last checkpoint of the root namespace that the run wrote."""
    written = StreamEvent.objects.filter(run_id=run_id, kind="checkpoint").order_by("-seq")
    for event in written.iterator(chunk_size=20):
        if not event.payload["ns"]:
            return str(event.payload["checkpoint_id"])
    return ""

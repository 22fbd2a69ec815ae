"""Write events into the outbox."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.db import transaction

from threadhub.kernel import clock
from threadhub.kernel.audit.recording import machinery
from threadhub.kernel.observability import correlation

from .declaring import kind_of
from .models import OutboxEvent
from .relay import deliver

# Longer than any delivery right after the commit takes, so the relay rarely repeats one.
RELAY_AFTER = timedelta(seconds=3)


def publish(events: Sequence[Any]) -> None:
    """Store events in the open transaction; they are delivered once it has committed."""
    now = clock.now()
    rows = [
        OutboxEvent(
            kind=kind_of(event),
            payload=asdict(event),
            correlation_id=correlation.current(),
            created_at=now,
            due_at=now + RELAY_AFTER,
        )
        for event in events
    ]
    with machinery("outbox"):
        rows = OutboxEvent.objects.bulk_create(rows)
    for row in rows:
        transaction.on_commit(_delivering(row), robust=True)


def _delivering(row: OutboxEvent) -> Callable[[], None]:
    # Django reports what fails after the commit by its name, which a partial has not.
    def delivering() -> None:
        deliver(row)

    return delivering

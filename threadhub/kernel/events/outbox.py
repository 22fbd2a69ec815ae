"""Write events into the outbox."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from typing import Any

from threadhub.kernel import clock, transactions
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
        transactions.after_commit(partial(deliver, row))

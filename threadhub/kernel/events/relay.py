"""Delivers events: right after their commit, and again from the table until it succeeds."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db.models import F

from threadhub.kernel import clock, ticking, transactions
from threadhub.kernel.audit.recording import machinery
from threadhub.kernel.observability import correlation

from .declaring import Subscriber, kind_of, kinds, subscribers_of
from .models import OutboxEvent

BATCH = 100
MAX_BACKOFF = timedelta(minutes=5)

logger = logging.getLogger(__name__)


def deliver(row: OutboxEvent) -> bool:
    """Hand the event to every subscriber; remove it when all took it, else put it off."""
    with correlation.correlated(row.correlation_id):
        is_taken = _is_taken(row)
    if not is_taken:
        _put_off(row)
        return False
    with transactions.atomic(), machinery("outbox"):
        OutboxEvent.objects.filter(pk=row.pk).delete()
    return True


def _is_taken(row: OutboxEvent) -> bool:
    try:
        event = kinds.get(row.kind)(**row.payload)
    except (KeyError, TypeError):
        # Written by another version, which may have a process that knows it.
        logger.exception("An event is unknown here.", extra={"event": row.kind})
        return False
    # One that fails keeps it from no other; all of them get it again.
    taken = [_hand(event, subscriber) for subscriber in subscribers_of(row.kind)]
    return all(taken)


def _hand(event: object, subscriber: Subscriber) -> bool:
    try:
        subscriber(event)
    except Exception:
        logger.exception("An event could not be delivered.", extra={"event": kind_of(event)})
        return False
    return True


def _put_off(row: OutboxEvent) -> None:
    delay = min(timedelta(seconds=2) * 2 ** min(row.attempts, 10), MAX_BACKOFF)
    with transactions.atomic(), machinery("outbox"):
        OutboxEvent.objects.filter(pk=row.pk).update(
            attempts=F("attempts") + 1, due_at=clock.now() + delay
        )


@ticking.duty("events.relay")
def deliver_due(now: datetime) -> int:
    """Deliver up to 100 overdue events and return how many were; 1 query when idle."""
    due = OutboxEvent.objects.filter(due_at__lte=now).order_by("due_at", "id")[:BATCH]
    return sum(deliver(row) for row in due)

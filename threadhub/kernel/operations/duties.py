"""What the tick does for operations."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db.models import F

from threadhub.kernel import audit, events, ticking, transactions

from . import leases
from .events import OperationRequested
from .models import Operation

HINT_AGAIN_AFTER = timedelta(seconds=10)
HINT_BATCH = 100
MAX_PAUSE = timedelta(minutes=5)

logger = logging.getLogger(__name__)


@ticking.duty("operations.reap")
def reap(_: datetime) -> int:
    """Release operations whose worker is gone."""
    released = leases.reap()
    if released:
        logger.warning("Operations without a living worker were released.")
    return released


@ticking.duty("operations.hint_again")
def hint_again(now: datetime) -> None:
    """Repeat hints that seem lost, ever more rarely, so that they do not pile up."""
    forgotten = Operation.objects.forgotten(after=HINT_AGAIN_AFTER).order_by("id")
    for operation in forgotten[:HINT_BATCH]:
        pause = min(HINT_AGAIN_AFTER * 2 ** min(operation.dispatch_count, 10), MAX_PAUSE)
        if operation.dispatched_at and now - operation.dispatched_at < pause:
            continue
        with transactions.atomic(), audit.machinery("lease"):
            Operation.objects.filter(pk=operation.pk).update(
                dispatched_at=now, dispatch_count=F("dispatch_count") + 1
            )
            events.publish([OperationRequested(operation.pk)])

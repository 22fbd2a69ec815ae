"""What the tick does for operations."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db.models import F

from threadhub.kernel import audit, events, hinting, ticking, transactions

from . import leases
from .events import OperationRequested
from .models import Operation

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
    forgotten = Operation.objects.forgotten(now=now).order_by("id").values_list("id", flat=True)
    for operation_id in list(forgotten[: hinting.BATCH]):
        with transactions.atomic(), audit.machinery("lease"):
            Operation.objects.filter(pk=operation_id).update(
                dispatched_at=now, dispatch_count=F("dispatch_count") + 1
            )
            events.publish([OperationRequested(operation_id)])

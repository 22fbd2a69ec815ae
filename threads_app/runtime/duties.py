"""What the tick does for runs."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F

from threadhub.kernel import audit, events, ticking, transactions
from threads_app.events import RunRequested
from threads_app.models import Run
from threads_app.selectors import runs
from threads_app.services import threads

from . import leases

logger = logging.getLogger(__name__)


@ticking.duty("runs.reap")
def reap(_: datetime) -> int:
    """Release runs whose worker is gone."""
    released = leases.reap()
    if released:
        logger.warning("Runs without a living worker were released.", extra={"runs": released})
    return released


@ticking.duty("runs.hint_again")
def hint_again(now: datetime) -> None:
    """Repeat hints that seem lost, ever more rarely, so that they do not pile up."""
    for run_id in runs.forgotten(now=now):
        with transactions.atomic(), audit.machinery("lease"):
            Run.objects.filter(pk=run_id).update(
                dispatched_at=now, dispatch_count=F("dispatch_count") + 1
            )
            events.publish([RunRequested(run_id)])


@ticking.duty("threads.sweep")
def sweep(now: datetime) -> int:
    """Delete the threads of stateless runs once their clients had time to read the end."""
    return threads.sweep(before=now - timedelta(seconds=settings.STATELESS_SECONDS), now=now)

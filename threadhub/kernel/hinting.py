"""When a worker is told again of what waits: ever more rarely, so that hints do not pile up."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q

# By the number of hints that were repeated before; then always the last one.
PAUSES = tuple(timedelta(seconds=seconds) for seconds in (10, 20, 40, 80, 160, 300))
# How many rows a tick tells of.
BATCH = 100


def seems_lost(*, now: datetime) -> Q:
    """Match rows whose hint was never sent, or whose pause after the last one is over."""
    found = Q(dispatched_at=None)
    found |= Q(dispatch_count__gte=len(PAUSES), dispatched_at__lte=now - PAUSES[-1])
    for count, pause in enumerate(PAUSES):
        found |= Q(dispatch_count=count, dispatched_at__lte=now - pause)
    return found

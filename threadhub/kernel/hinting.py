"""Hints to workers: sent with the commit, and again, ever more rarely, until somebody claims.

A hint may get lost: the rows are the orders, the tick tells again, and a worker that hears
nothing looks for itself.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db.models import Q

# By the number of hints that were repeated before; then always the last one.
PAUSES = tuple(timedelta(seconds=seconds) for seconds in (10, 20, 40, 80, 160, 300))
# How many rows a tick tells of.
BATCH = 100
# A broker that does not answer holds up whoever asks it, for seconds each; a tick asks often.
QUIET_SECONDS = 2.0

logger = logging.getLogger(__name__)
_quiet_until = 0.0


def seems_lost(*, now: datetime) -> Q:
    """Match rows whose hint was never sent, or whose pause after the last one is over."""
    found = Q(dispatched_at=None)
    found |= Q(dispatch_count__gte=len(PAUSES), dispatched_at__lte=now - PAUSES[-1])
    for count, pause in enumerate(PAUSES):
        found |= Q(dispatch_count=count, dispatched_at__lte=now - pause)
    return found


def tell(send: Callable[[], object], *, about: str) -> None:
    """Send a hint; after one that failed, none is tried for a moment. Raises nothing."""
    global _quiet_until  # noqa: PLW0603  # one broker a process
    if time.monotonic() < _quiet_until:
        return
    try:
        send()
    except Exception as error:  # noqa: BLE001  # each transport has exceptions of its own
        # Raised, it would keep the event from who else waits for it.
        _quiet_until = time.monotonic() + QUIET_SECONDS
        logger.warning("A worker could not be told of %s: %s", about, error)

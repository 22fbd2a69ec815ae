"""Work without the broker: what nobody was told of is claimed from the database.

A worker can lose its broker without an error: it stays connected and hears nothing. Runs and
operations then wait although slots are free, in the database for all to see.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import partial

from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection

from threadhub.kernel.operations import executor, leases
from threads_app.runtime import engine
from threads_app.selectors import runs

# Longer than Celery's longest pause between two attempts to connect (30 s).
GIVE_UP_SECONDS = 60.0

Claim = Callable[[], object]

logger = logging.getLogger(__name__)


class Watchdog:
    """Looks after a worker that hears nothing; times are the monotonic clock's."""

    def __init__(self, *, queued: Callable[[], int]) -> None:
        """Take what counts the messages that wait, and raises when the broker is away."""
        self._queued = queued
        self._deaf_since: float | None = None

    def look(self, *, heard: float, now: float) -> None:
        """Claim what waits if no message came for the life of a lease; 2 queries when none did."""
        if now - heard < settings.LEASE_SECONDS:
            self._deaf_since = None
            return
        free = settings.CONCURRENCY - engine.current().active
        try:
            close_old_connections()
            found = [*_runs(free), *_operations()]
        except DatabaseError as error:
            logger.warning("The database does not answer: %s", error)
            return
        if free <= 0:
            # Messages wait because nobody here could work on them.
            self._deaf_since = None
        elif found or self._deaf_since is not None:
            self._note_deafness(now)
        if found:
            logger.warning("%d orders wait without a message; claimed directly.", len(found))
        for claim in found:
            threading.Thread(target=_execute, args=(claim,), name="direct", daemon=True).start()

    def is_deaf(self, *, now: float) -> bool:
        """Say whether only a new process will hear again."""
        return self._deaf_since is not None and now - self._deaf_since > GIVE_UP_SECONDS

    def _note_deafness(self, now: float) -> None:
        """Count from when the broker holds messages that this worker does not get.

        Once they got elsewhere, the count ends.
        """
        try:
            is_deaf = self._queued() > 0
        except Exception:  # noqa: BLE001  # each transport has exceptions of its own
            # The broker is away: a new process would hear no more than this one.
            is_deaf = False
        if not is_deaf:
            self._deaf_since = None
        elif self._deaf_since is None:
            self._deaf_since = now


def _runs(free: int) -> list[Claim]:
    waiting = runs.unheeded(limit=free)
    return [partial(engine.current().execute, run_id=run_id) for run_id in waiting]


def _operations() -> list[Claim]:
    # One at a time: whoever has done an operation looks for the next by itself.
    waiting = leases.unheeded() if executor.current().has_place else None
    if waiting is None:
        return []
    return [partial(executor.current().execute, operation_id=waiting)]


def _execute(claim: Claim) -> None:
    try:
        claim()
    except Exception:
        logger.exception("What waited could not be executed; the next look tries again.")
    finally:
        connection.close()

"""Work without the broker: what nobody was told of is claimed from the database.

A worker can lose its broker without an error: it stays connected and hears nothing. Runs
then wait although slots are free, in the database for all to see.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection

from threads_app.runtime import engine
from threads_app.selectors import runs

# Longer than Celery's longest pause between two attempts to connect (30 s).
GIVE_UP_SECONDS = 60.0

logger = logging.getLogger(__name__)


class Watchdog:
    """Looks after a worker that hears nothing; times are the monotonic clock's."""

    def __init__(self, *, queued: Callable[[], int]) -> None:
        """Take what counts the messages that wait, and raises when the broker is away."""
        self._queued = queued
        self._deaf_since: float | None = None

    def look(self, *, heard: float, now: float) -> None:
        """Claim what waits if no message came for the life of a lease; 1 query when none did."""
        if now - heard < settings.LEASE_SECONDS:
            self._deaf_since = None
            return
        try:
            close_old_connections()
            found = runs.unheeded(limit=settings.CONCURRENCY - engine.current().active)
        except DatabaseError as error:
            logger.warning("The database does not answer: %s", error)
            return
        if found:
            self._note_deafness(now)
            logger.warning("%d runs wait without a message; claimed directly.", len(found))
        for run_id in found:
            threading.Thread(target=_execute, args=(run_id,), name="direct", daemon=True).start()

    def is_deaf(self, *, now: float) -> bool:
        """Say whether only a new process will hear again."""
        return self._deaf_since is not None and now - self._deaf_since > GIVE_UP_SECONDS

    def _note_deafness(self, now: float) -> None:
        """Start the count when the broker holds messages that this worker does not get."""
        try:
            is_deaf = self._queued() > 0
        except Exception:  # noqa: BLE001  # each transport has exceptions of its own
            # The broker is away: a new process would hear no more than this one.
            is_deaf = False
        if not is_deaf:
            self._deaf_since = None
        elif self._deaf_since is None:
            self._deaf_since = now


def _execute(run_id: int) -> None:
    try:
        engine.current().execute(run_id=run_id)
    except Exception:
        logger.exception("A run could not be executed; the next look tries again.")
    finally:
        connection.close()

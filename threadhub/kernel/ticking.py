"""The tick: what every process looks after once a second, one process at a time.

On SQLite one process holds the installation anyway; on PostgreSQL an advisory lock that
ends with its transaction picks one. An idle tick writes nothing.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime

from django.db import close_old_connections, connection, transaction

from threadhub.kernel import clock
from threadhub.kernel.registry import Registry

LOCK_KEY = 0x7468_7562

Duty = Callable[[datetime], object]
duties: Registry[Duty] = Registry("Duty")

logger = logging.getLogger(__name__)


def duty(name: str) -> Callable[[Duty], Duty]:
    """Register a function that every tick calls with the current time."""

    def register(function: Duty) -> Duty:
        duties.add(name, function)
        return function

    return register


def tick(*, now: datetime) -> None:
    """Call every duty once; a failing one is logged and the others still run."""
    for name in duties:
        try:
            duties.get(name)(now)
        except Exception:
            logger.exception("A duty of the tick failed.", extra={"duty": name})


def tick_alone(*, now: datetime) -> bool:
    """Tick unless another process is ticking; say whether it was done."""
    if connection.vendor != "postgresql":
        tick(now=now)
        return True
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK_KEY])
        mine = cursor.fetchone()[0]
        if mine:
            _elsewhere(now)
    return bool(mine)


def _elsewhere(now: datetime) -> None:
    """Tick on another connection: the duties' transactions must not nest in the lock's."""
    thread = threading.Thread(target=_tick_and_close, args=(now,), name="tick-duties")
    thread.start()
    thread.join()


def _tick_and_close(now: datetime) -> None:
    try:
        tick(now=now)
    finally:
        connection.close()


class Ticker:
    """Ticks in a thread of its own until stopped."""

    def __init__(self, *, seconds: float) -> None:
        self._seconds = seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tick", daemon=True)

    def start(self) -> None:
        """Begin ticking."""
        self._thread.start()

    def stop(self, *, seconds: float) -> None:
        """Stop ticking and wait that long for the tick under way."""
        self._stop.set()
        self._thread.join(seconds)

    def _run(self) -> None:
        while not self._stop.wait(self._seconds):
            try:
                close_old_connections()
                tick_alone(now=clock.now())
            except Exception:
                logger.exception("A tick failed; the next one tries again.")
        connection.close()

"""Keeps the leases of this process alive, and notices when a run must stop."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

from django.conf import settings
from django.db import close_old_connections, connection

from .leases import Lease, pulses, renew

# cancelled by a person, past its deadline, lost to another worker, handed back on stop
StopReason = Literal["cancel", "deadline", "lost", "stop"]
Stop = Callable[[StopReason], None]

LOOK_SECONDS = 1.0
# A worker that could not renew for this share of the lease's life stops by itself.
SAFE_SHARE = 0.8

logger = logging.getLogger(__name__)


class Keeper:
    """Renews every lease of the worker in one statement, three times in its life."""

    def __init__(self, *, worker: str) -> None:
        self._worker = worker
        self._kept: dict[tuple[int, int], Stop] = {}
        self._guard = threading.Lock()
        self._poke = threading.Event()
        self._stopped = False
        self._renewed = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="lease-keeper", daemon=True)
        self._thread.start()

    @contextmanager
    def keeping(self, lease: Lease, stop: Stop) -> Iterator[None]:
        """Keep the lease while the block runs; `stop` may be called from another thread."""
        name = (lease.run_id, lease.fence)
        with self._guard:
            if not self._kept:
                self._renewed = time.monotonic()
            self._kept[name] = stop
        try:
            yield
        finally:
            with self._guard:
                del self._kept[name]

    def look_now(self) -> None:
        """Look for cancelled runs without waiting for the next turn."""
        self._poke.set()

    def stop_all(self, reason: StopReason) -> None:
        """Stop every run of the worker."""
        with self._guard:
            stops = list(self._kept.values())
        for stop in stops:
            stop(reason)

    def close(self) -> None:
        """End the keeper's thread."""
        self._stopped = True
        self._poke.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped:
            self._poke.wait(min(LOOK_SECONDS, settings.LEASE_SECONDS / 3))
            self._poke.clear()
            with self._guard:
                kept = dict(self._kept)
            if kept and not self._stopped:
                self._turn(kept)
        connection.close()

    def _turn(self, kept: dict[tuple[int, int], Stop]) -> None:
        try:
            close_old_connections()
            self._look(kept)
        except Exception:
            logger.exception("Leases could not be renewed; the next turn tries again.")
        if time.monotonic() - self._renewed > SAFE_SHARE * settings.LEASE_SECONDS:
            logger.error("Leases are too old to be safe; their runs stop here.")
            self.stop_all("lost")

    def _look(self, kept: dict[tuple[int, int], Stop]) -> None:
        run_ids = [run_id for run_id, _ in kept]
        begun = time.monotonic()
        if begun - self._renewed >= settings.LEASE_SECONDS / 3:
            renew(worker=self._worker, run_ids=run_ids)
            self._renewed = begun
        found = pulses(worker=self._worker, run_ids=run_ids)
        for name, stop in kept.items():
            pulse = found.get(name)
            if pulse is None:
                stop("lost")
            elif pulse.cancel_requested:
                stop("cancel")
            elif pulse.is_overdue:
                stop("deadline")

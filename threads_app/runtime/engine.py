"""The run engine of this process: claims runs, executes them, settles them.

Whatever happens in between (a crash, a freeze, a stop), the row in the database still says
what is to be done, and the fence keeps a worker that has lost its lease from doing it.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.conf import settings

from threadhub.kernel import audit

from . import leases, settling
from .execution import Execution
from .keeper import Keeper
from .loops import Loops
from .streaming import EventWriter

if TYPE_CHECKING:
    from .leases import Lease
    from .settling import Outcome

logger = logging.getLogger(__name__)


class Engine:
    """Executes runs until it is stopped; any number of threads may call `execute`."""

    def __init__(self) -> None:
        self.worker = f"{socket.gethostname()[:60]}:{os.getpid()}:{secrets.token_hex(4)}"
        self._loops = Loops(settings.LOOPS)
        self._keeper = Keeper(worker=self.worker)
        self._writer = EventWriter()
        self._stopping = threading.Event()
        self._active = 0
        self._changed = threading.Condition()

    def execute(self, *, run_id: int) -> bool:
        """Claim and execute what the hint points to; say whether there was something."""
        if self._stopping.is_set():
            return False
        lease = leases.claim(run_id=run_id, worker=self.worker)
        if lease is None:
            return False
        with self._counted():
            self._perform(lease)
        return True

    @property
    def active(self) -> int:
        """Return how many runs are under way."""
        return self._active

    def look_for_cancelled(self) -> None:
        """Look at once whether a run of this process is to be cancelled."""
        self._keeper.look_now()

    def stop(self, *, seconds: float) -> bool:
        """Take no more runs and hand back those under way; say whether all were in time."""
        self._stopping.set()
        self._keeper.stop_all("stop")
        with self._changed:
            clean = self._changed.wait_for(lambda: self._active == 0, timeout=seconds)
        self._keeper.close()
        self._writer.stop()
        self._loops.stop()
        return clean

    def _perform(self, lease: Lease) -> None:
        with self._writer.writing(lease) as buffer:
            execution = Execution(lease, self._loops.next(), buffer)
            with self._keeper.keeping(lease, execution.stop):
                if self._stopping.is_set():
                    execution.stop("stop")
                outcome = execution.run()
        with audit.acting_as(execution.actor()):
            self._conclude(lease, execution, outcome)

    def _conclude(self, lease: Lease, execution: Execution, outcome: Outcome | None) -> None:
        # While the process stops, nothing may be written off as an error: thread pools
        # refuse work then, and healthy runs fail with it.
        if outcome is None or (self._stopping.is_set() and outcome.status == "error"):
            is_stop = self._stopping.is_set() or execution.reason is not None
            # Handed straight to the next worker, a store that is away would be asked in a loop.
            reason = execution.reason or ("stop" if is_stop else "store unavailable")
            if reason != "lost":
                leases.hand_back(lease, reason=reason, is_hinted=is_stop)
            return
        if not settling.settle(lease, outcome):
            logger.warning("A run had been taken over.", extra={"run": str(lease.public_id)})

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self._count(1)
        try:
            yield
        finally:
            self._count(-1)

    def _count(self, step: int) -> None:
        with self._changed:
            self._active += step
            self._changed.notify_all()


_engine: Engine | None = None
_guard = threading.Lock()


def current() -> Engine:
    """Return the engine of this process, started on first use."""
    global _engine  # noqa: PLW0603  # one engine a process
    with _guard:
        if _engine is None:
            _engine = Engine()
        return _engine


def look_for_cancelled() -> None:
    """Look for cancelled runs, if an engine runs in this process at all."""
    if _engine is not None:
        _engine.look_for_cancelled()


def stop(*, seconds: float) -> bool:
    """Stop the engine of this process for good; say whether its runs ended in time.

    It stays the current one, and refuses: a handed-back run must not start here again.
    """
    return current().stop(seconds=seconds)

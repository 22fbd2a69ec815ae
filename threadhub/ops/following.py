"""Execute one run in this process, and follow its events as they are stored.

A server beside this process may claim the run first; then it is only watched.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import connection

from threadhub.kernel import clock
from threadhub.kernel.errors import NotVisible
from threadhub.kernel.streams import log
from threads_app.models.run import TERMINAL
from threads_app.runtime import engine
from threads_app.selectors import runs as runs_selector
from threads_app.services import runs

if TYPE_CHECKING:
    from threadhub.kernel.streams.models import StreamEvent
    from threads_app.models import Run

POLL_SECONDS = 0.1
CLAIM_SECONDS = 0.5
ENDS = frozenset(f"run.{status}" for status in TERMINAL)

logger = logging.getLogger(__name__)


@contextmanager
def executing(run: Run) -> Iterator[None]:
    """Execute the run in a thread of its own while the block looks on."""
    over = threading.Event()
    worker = threading.Thread(target=_work, args=(run.pk, over), name="execute", daemon=True)
    worker.start()
    try:
        yield
    finally:
        over.set()
        worker.join(settings.STOP_SECONDS)


def _work(run_id: int, over: threading.Event) -> None:
    # A run may come back: handed over by a server that stops, or released after a crash.
    while not over.is_set():
        try:
            engine.current().execute(run_id=run_id)
        except Exception:
            logger.exception("A run could not be executed; the next turn tries again.")
        over.wait(CLAIM_SECONDS)
    connection.close()


def follow(run: Run) -> Iterator[StreamEvent]:
    """Yield the run's events in order, up to its end. Raises NotVisible when it is deleted."""
    pause, after = threading.Event(), 0
    while True:
        for event in log.read(stream_id=run.thread.stream_id, after=after, run_id=run.public_id):
            after = event.seq
            yield event
            if event.kind in ENDS:
                return
        if runs_selector.status_of(run_id=run.pk) is None:
            raise NotVisible("The run was deleted.")
        pause.wait(POLL_SECONDS)


def cancel(run: Run, *, actor: Any) -> None:
    """Cancel the run and wait, as long as the engine may take to stop, for its end."""
    with contextlib.suppress(NotVisible):
        runs.cancel(run=run, actor=actor, now=clock.now())
    pause, deadline = threading.Event(), time.monotonic() + settings.STOP_SECONDS
    while time.monotonic() < deadline:
        if runs_selector.status_of(run_id=run.pk) in {None, *TERMINAL}:
            return
        pause.wait(POLL_SECONDS)

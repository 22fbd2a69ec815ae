"""The Celery worker of this process, in a thread of its own."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from celery import signals
from celery.worker import WorkController, state
from django.conf import settings

if TYPE_CHECKING:
    from celery import Celery

QUEUES = ("runs", "maintenance")


class Worker:
    """A worker with a thread pool, in a daemon thread; one a process, by Celery's globals."""

    def __init__(self, app: Celery) -> None:
        # Without this a process that sends tasks by hint would not know them by name.
        app.loader.import_default_modules()
        # When a message came last, by the monotonic clock.
        self.heard = time.monotonic()
        signals.task_received.connect(self._hear)
        self._controller = WorkController(
            app=app,
            pool_cls="threads",
            concurrency=settings.CONCURRENCY,
            queues=list(QUEUES),
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
        )
        self._thread = threading.Thread(
            target=self._controller.start, name="celery-worker", daemon=True
        )

    def start(self) -> None:
        """Begin to take tasks."""
        self._thread.start()

    def is_alive(self) -> bool:
        """Say whether messages can come at all."""
        return self._thread.is_alive()

    def take_no_more(self) -> None:
        """Leave further messages to others, at once; what is under way goes on."""
        state.should_stop = 0

    def join(self, *, seconds: float) -> None:
        """Wait for the end of what is under way, and of what the broker was told about it."""
        self._thread.join(seconds)

    def _hear(self, **_: object) -> None:
        self.heard = time.monotonic()

"""The Celery worker inside the server's process."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from celery.worker import WorkController
from django.conf import settings

if TYPE_CHECKING:
    from celery import Celery

QUEUES = ("runs", "maintenance")


class EmbeddedWorker:
    """A worker with a thread pool, in a daemon thread; one a process, by Celery's globals."""

    def __init__(self, app: Celery) -> None:
        # Without this a process that sends tasks by hint would not know them by name.
        app.loader.import_default_modules()
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

"""Execute runs and what else waits in the queues, and look after the installation."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from functools import partial
from typing import Any

from django.conf import settings
from django.db import connection

from threadhub.celery import app
from threadhub.kernel.ticking import Ticker
from threadhub.management.process import ProcessCommand
from threadhub.management.stopping import Deadline, hand_back
from threadhub.ops import broker
from threadhub.ops.watchdog import Watchdog
from threadhub.ops.worker import QUEUES, Worker

LOOK_SECONDS = 1.0
# "Internal software error" of sysexits.h: a supervisor starts the process again.
DEAF = 70

logger = logging.getLogger(__name__)


class Command(ProcessCommand):
    """manage.py worker: one of any number of worker processes of a cluster."""

    help = "Execute the runs of a cluster."

    def handle(self, **_: Any) -> None:
        """Work until stopped; runs under way are then handed back."""
        self.join_cluster()
        broker.announce(app, say=self.say)
        stopping = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopping.set())
        worker, ticker = Worker(app), Ticker(seconds=settings.TICK_SECONDS)
        worker.start()
        ticker.start()
        self.say(f"Worker {os.getpid()} takes up to {settings.CONCURRENCY} runs at a time.")
        is_deaf = watch(worker, stopping)
        stop(worker, ticker)
        self.end(DEAF if is_deaf else 0)


def watch(worker: Worker, stopping: threading.Event) -> bool:
    """Look after the worker until it is to stop; say whether that is because it is deaf."""
    watchdog = Watchdog(queued=partial(broker.queued, app, QUEUES))
    while not stopping.wait(LOOK_SECONDS):
        watchdog.look(heard=worker.heard, now=time.monotonic())
        if watchdog.is_deaf(now=time.monotonic()) or not worker.is_alive():
            logger.error("This worker gets no more messages; a new process takes its place.")
            return True
    return False


def stop(worker: Worker, ticker: Ticker) -> None:
    """End in order: take no more, hand back what runs, tell the broker."""
    deadline = Deadline()
    worker.take_no_more()
    hand_back(ticker, deadline)
    worker.join(seconds=deadline.left())
    connection.close()

"""End the work of a process in order, and in time."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from django.conf import settings

from threadhub.kernel.operations import executor
from threads_app.runtime import engine

if TYPE_CHECKING:
    from threadhub.kernel.ticking import Ticker

# What is granted to whatever comes after the time was up.
LEAST_SECONDS = 1.0

logger = logging.getLogger(__name__)


class Deadline:
    """THREADHUB_STOP_SECONDS from now, for everything together."""

    def __init__(self) -> None:
        self._at = time.monotonic() + settings.STOP_SECONDS

    def left(self) -> float:
        """Return the seconds that are left, and a moment when none are."""
        return max(self._at - time.monotonic(), LEAST_SECONDS)


def hand_back(ticker: Ticker, deadline: Deadline) -> None:
    """Take no more work and hand back what is under way; what is late, others take over."""
    # Told before anything is waited for: operations and runs come to their end together.
    executor.stop(seconds=0)
    if not engine.stop(seconds=deadline.left()):
        logger.warning("Some runs did not stop in time; they are taken over.")
    if not executor.stop(seconds=deadline.left()):
        logger.warning("An operation did not stop in time; it is taken over.")
    ticker.stop(seconds=deadline.left())

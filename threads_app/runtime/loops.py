"""Long-lived event loops, each in a thread, that user graphs run on.

One loop per run would break every asyncio object that user code keeps between runs; one
loop for all would let a single blocking node hold up every other run.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import threading
from collections.abc import Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

logger = logging.getLogger(__name__)

ResultT = TypeVar("ResultT")

# Synchronous nodes of all runs of a loop share these threads.
NODE_THREADS = 32
# A loop that nobody holds ends at once.
JOIN_SECONDS = 1.0


class LoopShard:
    """One event loop running for ever in a daemon thread."""

    def __init__(self, name: str) -> None:
        self.loop = asyncio.new_event_loop()
        self.loop.set_default_executor(
            ThreadPoolExecutor(NODE_THREADS, thread_name_prefix=f"{name}-node")
        )
        # Set by who finds that a graph holds it; it is then handed out no more.
        self.is_blocked = False
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        # A graph that calls sys.exit ends its own task, not the loop with every other run.
        while not self._stopping:
            try:
                self.loop.run_forever()
            except (SystemExit, KeyboardInterrupt):
                logger.warning("A graph tried to end the process.")

    def submit(self, coroutine: Coroutine[Any, Any, ResultT]) -> Future[ResultT]:
        """Run a coroutine on the loop; cancelling the future cancels it."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop)

    def stop(self) -> None:
        """End the loop; whatever still runs on it, or holds it, is abandoned."""
        self._stopping = True
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(JOIN_SECONDS)


class Loops:
    """A fixed number of loops, handed out in turn, started on first use."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._shards: list[LoopShard] = []
        self._turn = itertools.count()
        self._guard = threading.Lock()

    def next(self) -> LoopShard:
        """Return the loop whose turn it is."""
        with self._guard:
            if not self._shards:
                self._shards = [LoopShard(f"graphs-{n}") for n in range(self._count)]
            place = next(self._turn) % self._count
            if self._shards[place].is_blocked:
                self._shards[place] = LoopShard(f"graphs-{place}")
            return self._shards[place]

    def stop(self) -> None:
        """End every loop."""
        with self._guard:
            for shard in self._shards:
                if not shard.is_blocked:
                    shard.stop()
            self._shards = []

"""From a graph's stream to the thread's event log: bounded, batched, fenced."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django.db import close_old_connections, connection

from checkpoints_app.services import heads
from threadhub.kernel import transactions
from threadhub.kernel.streams import log

if TYPE_CHECKING:
    from threadhub.kernel.streams.log import Item

    from .leases import Lease

BATCH_SECONDS = 0.05
BATCH_ITEMS = 64
BUFFER_ITEMS = 1000
RETRY_SECONDS = 0.5

logger = logging.getLogger(__name__)


class Buffer:
    """The events of one run on their way to the log."""

    def __init__(self, lease: Lease, *, wake: Callable[[], None]) -> None:
        self.lease = lease
        self.is_refused = False
        self._items: list[Item] = []
        self._guard = threading.Lock()
        self._wake = wake
        self._room: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None

    async def add(self, items: list[Item]) -> None:
        """Take events, waiting while the buffer is full: the run slows down, nothing is lost."""
        while not self._put(items):
            room = asyncio.Event()
            self._room = (asyncio.get_running_loop(), room)
            if len(self._items) >= BUFFER_ITEMS:
                await room.wait()

    def _put(self, items: list[Item]) -> bool:
        with self._guard:
            if len(self._items) >= BUFFER_ITEMS and not self.is_refused:
                return False
            for item in items:
                self._take(item)
        self._wake()
        return True

    def _take(self, item: Item) -> None:
        joined = _joined(self._items[-1], item) if self._items else None
        if joined is None:
            self._items.append(item)
        else:
            self._items[-1] = joined

    def __len__(self) -> int:
        return len(self._items)

    def put_back(self, items: list[Item]) -> None:
        """Put events that could not be written back to the front."""
        with self._guard:
            self._items[:0] = items

    def take(self) -> list[Item]:
        """Return what waits and make room."""
        with self._guard:
            taken, self._items = self._items, []
            room, self._room = self._room, None
        if room is not None and not room[0].is_closed():
            room[0].call_soon_threadsafe(room[1].set)
        return taken


def _joined(first: Item, second: Item) -> Item | None:
    """Return two token events as one where they differ in their text only."""
    if first.kind != "messages" or second.kind != "messages" or not second.payload["chunk"]:
        return None
    texts = first.payload["message"]["content"], second.payload["message"]["content"]
    if not all(isinstance(text, str) for text in texts) or _frame(first) != _frame(second):
        return None
    message = {**second.payload["message"], "content": "".join(texts)}
    return replace(first, payload={**second.payload, "message": message})


def _frame(item: Item) -> dict[str, Any]:
    return {**item.payload, "message": {**item.payload["message"], "content": ""}}


class EventWriter:
    """Writes the events of all runs of the process in one transaction each 50 ms.

    A batch names the fence of its run: after a take-over it is refused and dropped.
    """

    def __init__(self) -> None:
        self._buffers: dict[tuple[int, int], Buffer] = {}
        self._guard = threading.Lock()
        self._writing = threading.Lock()
        self._dirty = threading.Event()
        self._again = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="event-writer", daemon=True)
        self._thread.start()

    @contextmanager
    def writing(self, lease: Lease) -> Iterator[Buffer]:
        """Give a claimed run its buffer; its end writes what is left, and raises what fails."""
        buffer = Buffer(lease, wake=self._dirty.set)
        with self._guard:
            self._buffers[lease.fence, lease.run_id] = buffer
        try:
            yield buffer
        finally:
            with self._guard:
                del self._buffers[lease.fence, lease.run_id]
        self._write([buffer])

    def stop(self) -> None:
        """End the writer's thread."""
        self._stopped = True
        self._dirty.set()
        self._again.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped:
            self._dirty.wait()
            self._dirty.clear()
            self._gather()
            try:
                close_old_connections()
                with self._guard:
                    buffers = list(self._buffers.values())
                self._write(buffers)
            except Exception:
                logger.exception("Events could not be written; they are kept and tried again.")
                self._again.wait(RETRY_SECONDS)
                self._dirty.set()
        connection.close()

    def _gather(self) -> None:
        """Let more events come together, unless there are enough for a batch already."""
        until = time.monotonic() + BATCH_SECONDS
        while (left := until - time.monotonic()) > 0 and not self._stopped:
            with self._guard:
                waiting = sum(len(buffer) for buffer in self._buffers.values())
            if waiting >= BATCH_ITEMS:
                return
            self._dirty.wait(left)
            self._dirty.clear()

    def _write(self, buffers: list[Buffer]) -> None:
        with self._writing:
            taken = [(buffer, buffer.take()) for buffer in buffers]
            taken = [(buffer, items) for buffer, items in taken if items]
            if not taken:
                return
            try:
                self._append(taken)
            except Exception:
                for buffer, items in taken:
                    buffer.put_back(items)
                raise

    def _append(self, taken: list[tuple[Buffer, list[Item]]]) -> None:
        taken.sort(key=lambda pair: pair[0].lease.stream_id)
        with transactions.atomic():
            mine = heads.hold(fences={b.lease.head_id: b.lease.fence for b, _ in taken})
            for buffer, items in taken:
                if buffer.lease.head_id in mine:
                    log.append(stream_id=buffer.lease.stream_id, items=items)
                else:
                    buffer.is_refused = True

"""Wakes the viewers of a stream, from any thread.

A wake-up is a hint: the log is the truth, and a poll of every watched stream, one query
each half second, covers hints that got lost on the way to another process.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol

from channels.db import DatabaseSyncToAsync

from .models import Stream

POLL_SECONDS = 0.5

logger = logging.getLogger(__name__)


class Watch:
    """One viewer's interest in one stream, on the event loop it was made on."""

    def __init__(self, stream_id: int) -> None:
        self.stream_id = stream_id
        self.seen = -1
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()

    def wake(self) -> None:
        """Wake the viewer; may be called from any thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._event.set)

    async def wait(self, *, timeout: float) -> bool:  # noqa: ASYNC109  # an answer, no error
        """Wait for a wake-up for up to `timeout` seconds and say whether one came."""
        try:
            await asyncio.wait_for(self._event.wait(), timeout)
        except TimeoutError:
            return False
        self._event.clear()
        return True


_watches: dict[int, set[Watch]] = defaultdict(set)
_guard = threading.Lock()
_pollers: dict[asyncio.AbstractEventLoop, asyncio.Task[None]] = {}


class Carrier(Protocol):
    """What takes wake-ups to other processes; neither call may block or raise."""

    def announce(self, stream_id: int) -> None:
        """Wake the viewers elsewhere."""

    def look(self) -> None:
        """Notice that the streams watched here have changed."""


_carriers: list[Carrier] = []


def carry_by(carrier: Carrier) -> None:
    """Take every wake-up to other processes by this carrier, too."""
    _carriers.append(carrier)


def announce(stream_id: int) -> None:
    """Wake every viewer of the stream, in this process at once, in others soon."""
    wake(stream_id)
    for carrier in _carriers:
        carrier.announce(stream_id)


def wake(stream_id: int) -> None:
    """Wake every viewer of the stream in this process."""
    with _guard:
        watches = list(_watches.get(stream_id, ()))
    for watch in watches:
        watch.wake()


@contextmanager
def watching(stream_id: int) -> Iterator[Watch]:
    """Register a viewer. Open the watch before reading, so that nothing falls in between."""
    watch = Watch(stream_id)
    with _guard:
        _watches[stream_id].add(watch)
    _tell_carriers()
    _ensure_poller()
    try:
        yield watch
    finally:
        with _guard:
            _watches[stream_id].discard(watch)
            if not _watches[stream_id]:
                del _watches[stream_id]
        _tell_carriers()


def _tell_carriers() -> None:
    for carrier in _carriers:
        carrier.look()


def watched() -> list[int]:
    """Return the streams that somebody in this process watches."""
    with _guard:
        return list(_watches)


def _ensure_poller() -> None:
    loop = asyncio.get_running_loop()
    poller = _pollers.get(loop)
    if poller is None or poller.done():
        for stale in [other for other in _pollers if other.is_closed()]:
            del _pollers[stale]
        _pollers[loop] = loop.create_task(_poll())


def last_seqs(stream_ids: Iterable[int]) -> dict[int, int]:
    """Return the last sequence number of each stream; 1 query."""
    return dict(Stream.objects.filter(id__in=stream_ids).values_list("id", "last_seq"))


async def _poll() -> None:
    """Compare the watched streams' counters until nobody watches any more."""
    known: dict[int, int] = {}
    while streams := watched():
        try:
            current = await DatabaseSyncToAsync(last_seqs, thread_sensitive=False)(streams)
        except Exception:
            logger.exception("Polling the event streams failed; the next poll tries again.")
            current = known
        for stream_id, seq in current.items():
            if known.get(stream_id) != seq:
                wake(stream_id)
        known = current
        await asyncio.sleep(POLL_SECONDS)

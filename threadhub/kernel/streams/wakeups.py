"""Wakes the viewers of a stream, from any thread.

A wake-up is a hint: the log is the truth, and a poll of every watched stream, one query
each half second, covers hints that got lost on the way to another process.

A stream is named by its key. Two sorts of names have no log behind them: `kind.<family>`
wakes whoever watches all events of a family (`run` for `run.pending` and the like), and
`access` whoever holds something open that rights decide about.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Protocol

from channels.db import DatabaseSyncToAsync

from .models import Stream, StreamEvent

POLL_SECONDS = 0.5
ACCESS = "access"
FAMILY = "kind."
# Viewers share a few threads, whose connections are given back after each call.
in_thread = partial(DatabaseSyncToAsync, thread_sensitive=False)

Key = int | str

logger = logging.getLogger(__name__)


class Watch:
    """One viewer's interest in streams, on the event loop it was made on."""

    def __init__(self) -> None:
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


_watches: dict[Key, set[Watch]] = defaultdict(set)
_families: set[str] = set()
_guard = threading.Lock()
_pollers: dict[asyncio.AbstractEventLoop, asyncio.Task[None]] = {}


class Carrier(Protocol):
    """What takes wake-ups to other processes; neither call may block or raise."""

    def announce(self, key: Key) -> None:
        """Wake the viewers elsewhere."""

    def look(self) -> None:
        """Notice that the streams watched here have changed."""


_carriers: list[Carrier] = []


def carry_by(carrier: Carrier) -> None:
    """Take every wake-up to other processes by this carrier, too."""
    _carriers.append(carrier)


def follow_families(*names: str) -> None:
    """Wake who watches `kind.<name>` with every event of these families, in any stream."""
    _families.update(names)


def announce(key: Key) -> None:
    """Wake every viewer of the stream, in this process at once, in others soon."""
    wake(key)
    for carrier in _carriers:
        carrier.announce(key)


def announce_kinds(kinds: Iterable[str]) -> None:
    """Wake who watches the families of these events."""
    for family in {kind.partition(".")[0] for kind in kinds} & _families:
        announce(f"{FAMILY}{family}")


def wake(key: Key) -> None:
    """Wake every viewer of the stream in this process."""
    with _guard:
        watches = list(_watches.get(key, ()))
    for watch in watches:
        watch.wake()


@contextmanager
def watching(*keys: Key) -> Iterator[Watch]:
    """Register a viewer. Open the watch before reading, so that nothing falls in between."""
    watch = Watch()
    with _guard:
        for key in keys:
            _watches[key].add(watch)
    _tell_carriers()
    _ensure_poller()
    try:
        yield watch
    finally:
        with _guard:
            for key in keys:
                _watches[key].discard(watch)
                if not _watches[key]:
                    del _watches[key]
        _tell_carriers()


def _tell_carriers() -> None:
    for carrier in _carriers:
        carrier.look()


def watched() -> list[Key]:
    """Return what somebody in this process watches."""
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


_took = [0.0]


def poll_seconds() -> float:
    """Return how long the last poll took."""
    return _took[0]


class _Poll:
    """Finds what has moved since it last looked."""

    def __init__(self) -> None:
        self._seqs: dict[int, int | None] = {}
        self._newest: int | None = None

    def look(self, keys: Iterable[Key]) -> set[Key]:
        """Return which of the keys to wake; one query for streams, one for families."""
        streams = [key for key in keys if isinstance(key, int)]
        families = {key for key in keys if isinstance(key, str) and key.startswith(FAMILY)}
        return self._moved(streams) | (families & self._moved_families() if families else set())

    def _moved(self, streams: list[int]) -> set[Key]:
        found = last_seqs(streams) if streams else {}
        # A stream that is gone has moved, too: once.
        current = {key: found.get(key) for key in streams}
        moved: set[Key] = {key for key in streams if self._seqs.get(key, -1) != current[key]}
        self._seqs = current
        return moved

    def _moved_families(self) -> set[str]:
        newest = StreamEvent.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        known, self._newest = self._newest, newest
        if known is None or newest == known:
            return set()
        kinds = StreamEvent.objects.filter(pk__gt=known).values_list("kind", flat=True).distinct()
        return {FAMILY + kind.partition(".")[0] for kind in kinds}


async def _poll() -> None:
    """Look after the watched streams until nobody watches any more."""
    poll = _Poll()
    while keys := watched():
        begun = time.monotonic()
        try:
            moved = await in_thread(poll.look)(keys)
        except Exception:
            logger.exception("Polling the event streams failed; the next poll tries again.")
            moved = set()
        for key in moved:
            wake(key)
        _took[0] = time.monotonic() - begun
        await asyncio.sleep(POLL_SECONDS)

"""Reads the log of a stream once for all who watch it in this process."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from itertools import islice
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from threadhub.kernel.streams import log, wakeups
from threadhub.kernel.streams.wakeups import in_thread

from .messages import text_of

if TYPE_CHECKING:
    from threadhub.kernel.streams.models import StreamEvent

    from .topics import Level, Topic

READ_ITEMS = 100
TAIL_ITEMS = 600
TAIL_SIZE = 1024 * 1024
# A larger item is announced with its size and read over HTTP.
ITEM_SIZE = 64 * 1024
RETRY_SECONDS = 1.0

logger = logging.getLogger(__name__)


class Entry:
    """One event, written as JSON once for each level."""

    __slots__ = ("is_about_rights", "is_delta", "seq", "size", "texts")

    def __init__(self, event: StreamEvent, topic: Topic) -> None:
        self.seq = event.seq
        self.is_delta = topic.is_delta(event)
        # Who has just lost the right is not told of that either.
        self.is_about_rights = event.kind == "access.changed"
        self.texts = {level: _written(event, topic, level) for level in ("read", "view")}
        self.size = sum(len(text) for text in self.texts.values() if text)

    def text(self, level: Level) -> str | None:
        """Return the item as it is shown at this level, None where it is hidden."""
        return self.texts[level]


def _written(event: StreamEvent, topic: Topic, level: Level) -> str | None:
    payload = topic.payload(event, level)
    if payload is None:
        return None
    item = {
        "seq": event.seq,
        "ts": event.at,
        "kind": event.kind,
        "run_id": event.run_id,
        "payload": payload,
    }
    text = text_of(item)
    if len(text) > ITEM_SIZE:
        text = text_of({**item, "payload": None, "size": len(text)})
    return text


def entries(topic: Topic, stream_id: int, *, after: int, limit: int) -> list[Entry]:
    """Return events as entries; 1 query, in a thread."""
    rows = log.read(stream_id=stream_id, after=after, limit=limit)
    return [Entry(event, topic) for event in rows]


class Feed:
    """The newest events of one stream, for its readers on one event loop."""

    def __init__(self, topic: Topic, stream_id: int) -> None:
        self.stream_id = stream_id
        self.last = 0
        self._topic = topic
        self._tail: deque[Entry] = deque()
        self._size = 0
        self._readers: dict[Callable[[], None], Callable[[], None]] = {}
        self._begun = asyncio.Event()
        self._exit = ExitStack()
        self._watch = self._exit.enter_context(wakeups.watching(stream_id))
        self._task = asyncio.get_running_loop().create_task(self._follow())

    def join(self, wake: Callable[[], None], doubt: Callable[[], None]) -> None:
        """Call `wake` for new events, `doubt` when the stream was touched in another way."""
        self._readers[wake] = doubt

    def leave(self, wake: Callable[[], None]) -> None:
        """Stop calling; the last to leave ends the feed."""
        self._readers.pop(wake, None)
        if not self._readers:
            self._exit.close()
            self._task.cancel()
            if _feeds().get(self.stream_id) is self:
                del _feeds()[self.stream_id]

    def begin(self, seq: int) -> None:
        """Follow the stream from here on, unless it is followed already."""
        if not self._begun.is_set():
            self.last = seq
            self._begun.set()

    def after(self, seq: int) -> list[Entry] | None:
        """Return the events after `seq`, None when the oldest of them are not here any more."""
        if seq >= self.last:
            return []
        if not self._tail or self._tail[0].seq > seq + 1:
            return None
        return list(islice(self._tail, seq + 1 - self._tail[0].seq, None))

    async def _follow(self) -> None:
        await self._begun.wait()
        while True:
            try:
                await self._read()
            except Exception:
                logger.exception("A stream could not be read; it is tried again.")
                await asyncio.sleep(RETRY_SECONDS)
                continue
            await self._watch.wait(timeout=3600)

    async def _read(self) -> None:
        """Take what is new. A wake-up without events says that rights or the stream have gone."""
        is_new = True
        while is_new:
            found = await in_thread(entries)(
                self._topic, self.stream_id, after=self.last, limit=READ_ITEMS
            )
            for entry in found:
                self._take(entry)
            is_doubtful = not found or any(entry.is_about_rights for entry in found)
            for wake, doubt in list(self._readers.items()):
                (doubt if is_doubtful else wake)()
            is_new = len(found) == READ_ITEMS

    def _take(self, entry: Entry) -> None:
        if entry.seq != self.last + 1:
            # Old events were cut off under a reader that was slow; what is left has a gap.
            self._tail.clear()
            self._size = 0
        self.last = entry.seq
        self._tail.append(entry)
        self._size += entry.size
        while len(self._tail) > TAIL_ITEMS or (self._size > TAIL_SIZE and len(self._tail) > 1):
            self._size -= self._tail.popleft().size


_all: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[int, Feed]] = WeakKeyDictionary()


def _feeds() -> dict[int, Feed]:
    return _all.setdefault(asyncio.get_running_loop(), {})


def joined(
    topic: Topic, stream_id: int, wake: Callable[[], None], doubt: Callable[[], None]
) -> Feed:
    """Return the stream's feed on this loop, joined; from now on nothing is missed."""
    feed = _feeds().get(stream_id)
    if feed is None:
        feed = _feeds()[stream_id] = Feed(topic, stream_id)
    feed.join(wake, doubt)
    return feed

"""One topic on one socket: what is sent when, and what is not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from threadhub.kernel.streams.wakeups import in_thread

from . import boards, feeds, messages
from .credit import Credit
from .looking import find, look

if TYPE_CHECKING:
    from .boards import Board
    from .feeds import Entry, Feed
    from .looking import Look
    from .topics import Found, Topic

FRAME_SIZE = 256 * 1024
# How many events are fetched at once for a client that is behind what the feed keeps.
FETCHED = 50
# So many overflows in a minute make a slow client's view a summary, for a minute.
OVERFLOWS, OVERFLOW_SECONDS = 3, 60.0
SUMMARY_SECONDS = 1.0

Send = Callable[[str], Awaitable[None]]


class Subscription:
    """What every sort has: its name, its credit, and who to wake."""

    def __init__(self, name: str, topic: Topic, argument: str, user_id: int) -> None:
        self.name = name
        self.credit = Credit()
        self.has_deltas = True
        self._topic = topic
        self._argument = argument
        self._user_id = user_id
        self._is_doubted = False

    def doubt(self) -> None:
        """Ask for the rights anew before anything else is sent."""
        self._is_doubted = True

    @property
    def has_begun(self) -> bool:
        """Say whether the client was shown anything."""
        raise NotImplementedError

    def resume(self, *, since: int | None, epoch: str, has_deltas: bool) -> None:
        """Begin, or begin again from where the client says it stands."""
        raise NotImplementedError

    async def flush(self, send: Send) -> bool:
        """Send at most one frame and say whether one was sent. Raises NotVisible."""
        raise NotImplementedError

    def leave(self) -> None:
        """End the subscription."""
        raise NotImplementedError


class BoardSubscription(Subscription):
    """A topic without a log: one snapshot after the other, each when the last was seen."""

    def __init__(
        self, name: str, topic: Topic, argument: str, user_id: int, wake: Callable[[], None]
    ) -> None:
        super().__init__(name, topic, argument, user_id)
        self._wake = wake
        self._told = 0
        self._board: Board = boards.joined(topic, argument, user_id, wake)

    @property
    def has_begun(self) -> bool:
        """Say whether the client was shown anything."""
        return self._told > 0

    def doubt(self) -> None:
        """Ask for the rights anew, and for what they show."""
        super().doubt()
        self._board.refresh()

    def resume(self, *, since: int | None, epoch: str, has_deltas: bool) -> None:
        """Show the view again; there is nothing in between."""
        self.credit.clear()
        self._told = 0
        self._wake()

    async def flush(self, send: Send) -> bool:
        """Send the view when it has changed. Raises NotVisible."""
        board = self._board
        if self._is_doubted or board.is_lost:
            self._is_doubted = False
            await in_thread(find)(self._topic, self._argument, self._user_id)
            if board.is_lost:
                self.leave()
                self._board, self._told = self._joined(), 0
                return False
        if board.seq == self._told or not self.credit.is_clear:
            return False
        self._told = board.seq
        text = messages.snapshot(self.name, epoch="", seq=board.seq, data=board.data)
        self.credit.take(seq=board.seq, items=1, size=len(text), now=_now())
        await send(text)
        return True

    def _joined(self) -> Board:
        return boards.joined(self._topic, self._argument, self._user_id, self._wake)

    def leave(self) -> None:
        """End the subscription."""
        self._board.leave(self._wake)


class LogSubscription(Subscription):
    """A topic with a log: a snapshot, then every event after it, in order, without a gap.

    `_position` is what was looked at, `_told` what the client knows; between them are events
    that are not shown to it.
    """

    def __init__(
        self, name: str, topic: Topic, argument: str, user_id: int, wake: Callable[[], None]
    ) -> None:
        super().__init__(name, topic, argument, user_id)
        self._wake = wake
        self._feed: Feed | None = None
        self._found: Found | None = None
        self._epoch = ""
        self._position = self._told = self._dropped = 0
        self._since: tuple[int | None, str] = (None, "")
        # Why a snapshot is due: empty for the first, None when none is.
        self._reason: str | None = ""
        self._was_full = False
        self._fetched: list[Entry] = []
        self._overflows: list[float] = []
        self._summary_until = self._summarized_at = 0.0

    @property
    def has_begun(self) -> bool:
        """Say whether the client was shown anything."""
        return bool(self._epoch)

    def resume(self, *, since: int | None, epoch: str, has_deltas: bool) -> None:
        """Begin, or begin again from where the client says it stands."""
        self.credit.clear()
        self.has_deltas = has_deltas
        self._since, self._reason = (since, epoch), ""
        self._wake()

    async def flush(self, send: Send) -> bool:
        """Send at most one frame and say whether one was sent. Raises NotVisible."""
        if self._is_doubted and self._reason is None:
            await self._ask_again()
        self._is_doubted = False
        if self._reason is not None:
            return await self._begin(send)
        if self._summary_until:
            return await self._summarize(send)
        assert self._feed is not None
        if not self.credit.room:
            self._was_full = True
            return False
        if self._feed.last <= self._position:
            return False
        if self._was_full and self._feed.last - self._position > messages.CREDIT:
            return await self._overflow(send)
        self._was_full = False
        return await self._continue(send)

    def leave(self) -> None:
        """End the subscription."""
        if self._feed is not None:
            self._feed.leave(self._wake)
            self._feed = None

    async def _ask_again(self) -> None:
        found = await in_thread(find)(self._topic, self._argument, self._user_id)
        if found != self._found:
            self._since, self._reason = (None, ""), "mask"

    async def _begin(self, send: Send) -> bool:
        """Show the subject as it is, or go on where the client was."""
        (since, epoch), reason = self._since, self._reason
        seen = await self._look(since, epoch)
        if self._since != (since, epoch) or self._reason != reason:
            # The client has asked again in the meantime.
            self._wake()
            return False
        self._since, self._reason = (None, ""), None
        self._dropped, self._was_full = 0, False
        self._epoch = seen.epoch
        if seen.data is None:
            assert since is not None
            self._position = self._told = since
            await self._send_events(send, [], until=since)
            return True
        if reason or since is not None:
            await send(self._resync(reason or "epoch"))
        await self._send_snapshot(send, seen.seq, seen.data)
        return True

    async def _look(self, since: int | None = None, epoch: str = "") -> Look:
        """Look at the subject, with the watch on its stream opened before."""
        while True:
            seen: Look = await in_thread(look)(
                self._topic, self._argument, self._user_id, since=since, epoch=epoch
            )
            stream_id = seen.found.stream_id
            assert stream_id is not None
            if self._feed is not None and self._feed.stream_id == stream_id:
                self._found = seen.found
                self._feed.begin(seen.seq)
                return seen
            self.leave()
            self._feed = feeds.joined(self._topic, stream_id, self._wake, self._doubt)

    def _doubt(self) -> None:
        self.doubt()
        self._wake()

    async def _continue(self, send: Send) -> bool:
        assert self._feed is not None
        found = self._feed.after(self._position)
        if found is None:
            found = [entry for entry in self._fetched if entry.seq > self._position]
            found = found or await in_thread(feeds.entries)(
                self._topic, self._feed.stream_id, after=self._position, limit=FETCHED
            )
            self._fetched = found
        else:
            self._fetched = []
        if not found or found[0].seq != self._position + 1:
            self._reason = "gap"
            return await self._begin(send)
        items = self._pick(found)
        if not items and not (self._dropped and self.has_deltas):
            return False
        await self._send_events(send, items, until=self._position)
        return True

    def _pick(self, found: list[Entry]) -> list[str]:
        """Return the texts that fit into a frame, and move on behind them."""
        assert self._found is not None
        items: list[str] = []
        size, room = 0, self.credit.room
        leaves_deltas = not self.has_deltas or self.credit.is_short
        for entry in found:
            text = entry.text(self._found.level)
            if text is not None and entry.is_delta and leaves_deltas:
                self._dropped += 1
            elif text is not None:
                size += len(text)
                if items and (len(items) >= room or size > FRAME_SIZE):
                    break
                items.append(text)
            self._position = entry.seq
        return items

    async def _send_events(self, send: Send, items: list[str], *, until: int) -> None:
        text = messages.events(
            self.name,
            epoch=self._epoch,
            first=self._told + 1,
            last=until,
            items=items,
            dropped=self._dropped,
        )
        self._told, self._dropped = until, 0
        if items:
            self.credit.take(seq=until, items=len(items), size=len(text), now=_now())
        await send(text)

    async def _send_snapshot(self, send: Send, seq: int, data: str) -> None:
        self._position = self._told = seq
        text = messages.snapshot(self.name, epoch=self._epoch, seq=seq, data=data)
        self.credit.take(seq=seq, items=1, size=len(text), now=_now())
        await send(text)

    async def _overflow(self, send: Send) -> bool:
        """Show everything anew to a client that fell behind; a summary to one that often does."""
        now = _now()
        recent = [at for at in self._overflows if now - at < OVERFLOW_SECONDS]
        self._overflows = [*recent, now]
        if len(self._overflows) >= OVERFLOWS:
            self._summary_until = now + OVERFLOW_SECONDS
            asyncio.get_running_loop().call_later(OVERFLOW_SECONDS, self._wake)
        self._reason = "overflow"
        return await self._begin(send)

    async def _summarize(self, send: Send) -> bool:
        """Show the subject once a second, when it has moved and the client has seen the last."""
        assert self._feed is not None
        now = _now()
        if now >= self._summary_until:
            self._summary_until, self._overflows = 0.0, []
            self._reason = "overflow"
            return await self._begin(send)
        if self._feed.last <= self._position or not self.credit.is_clear:
            return False
        if now - self._summarized_at < SUMMARY_SECONDS:
            rest = SUMMARY_SECONDS - (now - self._summarized_at)
            asyncio.get_running_loop().call_later(rest, self._wake)
            return False
        seen = await self._look()
        assert seen.data is not None
        self._summarized_at, self._epoch = _now(), seen.epoch
        await self._send_snapshot(send, seen.seq, seen.data)
        return True

    def _resync(self, reason: str) -> str:
        mode = "snapshots" if self._summary_until else "events"
        return messages.message("resync", topic=self.name, reason=reason, mode=mode)


def _now() -> float:
    return asyncio.get_running_loop().time()

"""One socket: takes the client's messages and lets its subscriptions speak in turn."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from django.db import InterfaceError, OperationalError

from threadhub.kernel.errors import NotVisible

from . import messages, topics
from .messages import Close, Closing
from .subscriptions import BoardSubscription, LogSubscription, Subscription

if TYPE_CHECKING:
    from .callers import Caller
    from .messages import Said

# At most 20 frames a second, whatever happens on however many topics; fewer, and larger ones,
# where the process has more to do than it can.
FRAME_SECONDS, LONGEST_FRAME_SECONDS = 0.05, 0.5
RETRY_SECONDS = 1.0
TOPICS_MOST = 20
# In any second
SUBS_MOST, MESSAGES_MOST = 10, 100
HELLO_SECONDS = 10.0
# Browsers let the timers of a hidden tab run once a minute.
IDLE_SECONDS = 90.0
ACK_SECONDS = 30.0

logger = logging.getLogger(__name__)


class Rate:
    """Counts what happened within the last second."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._times: deque[float] = deque()

    def count(self, now: float) -> None:
        """Note one more. Raises Closing when it is one too many."""
        while self._times and now - self._times[0] >= 1:
            self._times.popleft()
        self._times.append(now)
        if len(self._times) > self._most:
            raise Closing(Close.TOO_MUCH)


class Connection:
    """The state of a socket between `hello` and its end; lives on one event loop."""

    def __init__(
        self,
        caller: Caller,
        *,
        send: Callable[[str], Awaitable[None]],
        hang_up: Callable[[Close, int | None], Awaitable[None]],
    ) -> None:
        self.caller = caller
        self.mark = caller.mark
        self.asked_at = self._opened_at = self._heard_at = _now()
        self.subscriptions: dict[str, Subscription] = {}
        self._send = send
        self._hang_up = hang_up
        self._is_greeted = False
        self._subs, self._messages = Rate(SUBS_MOST), Rate(MESSAGES_MOST)
        self._dirty = asyncio.Event()
        self._pump: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None

    async def hear(self, text: str | None) -> None:
        """Act on a client's message. Raises Closing."""
        now = self._heard_at = _now()
        self._messages.count(now)
        said = messages.parse(text)
        if self._is_greeted == (said.type == "hello"):
            raise Closing(Close.BAD_MESSAGE)
        match said.type:
            case "hello":
                await self._greet(said)
            case "sub":
                self._subs.count(now)
                await self._subscribe(said)
            case "unsub":
                self._drop(said.topic)
            case "ack":
                self._acknowledge(said)
            case _:
                await self._send(messages.message("pong"))

    def wake(self) -> None:
        """Let the subscriptions look whether they have something to send."""
        self._dirty.set()

    def doubt(self) -> None:
        """Ask for all rights anew before anything else is sent."""
        self.asked_at = _now()
        for subscription in self.subscriptions.values():
            subscription.doubt()
        self.wake()

    def overdue(self) -> Close | None:
        """Return why the socket is to be ended for what its client does not do."""
        now = _now()
        if not self._is_greeted and now - self._opened_at > HELLO_SECONDS:
            return Close.IDLE
        if now - self._heard_at > IDLE_SECONDS:
            return Close.IDLE
        waits = (found.credit.waits_since(now) for found in self.subscriptions.values())
        return Close.TOO_MUCH if max(waits, default=0.0) > ACK_SECONDS else None

    def end(self, code: Close, retry_ms: int | None = None) -> None:
        """Hang up, from the outside."""
        self.close()
        if self._ending is None:
            ending = self._hang_up(code, retry_ms)
            self._ending = asyncio.ensure_future(ending)

    async def ended(self) -> None:
        """Wait until the client was told that the socket ends."""
        if self._ending is not None:
            await self._ending

    def close(self) -> None:
        """Leave everything; nothing is sent any more."""
        if self._pump is not None:
            self._pump.cancel()
        for name in list(self.subscriptions):
            self._drop(name)

    async def _greet(self, said: Said) -> None:
        if said.v != messages.VERSION:
            raise Closing(Close.OLD_VERSION)
        self._is_greeted = True
        beat, credit = messages.HEARTBEAT_SECONDS, messages.CREDIT
        text = messages.message("welcome", v=messages.VERSION, heartbeat_s=beat, credit=credit)
        await self._send(text)

    async def _subscribe(self, said: Said) -> None:
        known = self.subscriptions.get(said.topic)
        if known is None and len(self.subscriptions) >= TOPICS_MOST:
            await self._send(messages.message("error", code="too_many_topics", topic=said.topic))
            return
        try:
            subscription = known or self._made(said.topic)
        except NotVisible:
            await self._send(messages.message("denied", topic=said.topic))
            return
        self.subscriptions[said.topic] = subscription
        subscription.resume(since=said.since, epoch=said.epoch, has_deltas=said.deltas)
        if self._pump is None:
            self._pump = asyncio.get_running_loop().create_task(self._run())

    def _made(self, name: str) -> Subscription:
        topic, argument = topics.of(name)
        sort = LogSubscription if topic.has_log else BoardSubscription

        # Each has a function of its own, by which its source knows it.
        def wake() -> None:
            self.wake()

        return sort(name, topic, argument, self.caller.user_id, wake)

    def _acknowledge(self, said: Said) -> None:
        # One for a topic that is gone may have been under way.
        if subscription := self.subscriptions.get(said.topic):
            subscription.credit.give_back(said.seq)
            self.wake()

    def _drop(self, name: str) -> None:
        if subscription := self.subscriptions.pop(name, None):
            subscription.leave()

    async def _run(self) -> None:
        """Send frames in turn, each topic one, for as long as there are any."""
        late = 0.0
        while True:
            await self._dirty.wait()
            self._dirty.clear()
            for name, subscription in list(self.subscriptions.items()):
                if self.subscriptions.get(name) is subscription and await self._flush(subscription):
                    self._dirty.set()
                    until = _now() + min(FRAME_SECONDS + 4 * late, LONGEST_FRAME_SECONDS)
                    await asyncio.sleep(until - _now())
                    late = _now() - until

    async def _flush(self, subscription: Subscription) -> bool:
        name = subscription.name

        async def send(text: str) -> None:
            # The client may have left the topic while the database was asked.
            if self.subscriptions.get(name) is subscription:
                await self._send(text)

        try:
            return await subscription.flush(send)
        except NotVisible:
            kind = "revoked" if subscription.has_begun else "denied"
            await send(messages.message(kind, topic=name))
            self._leave(subscription)
        except (OperationalError, InterfaceError) as error:
            logger.warning("The database did not answer a socket: %s", error)
            asyncio.get_running_loop().call_later(RETRY_SECONDS, self.wake)
        except Exception:
            logger.exception("A topic could not be shown; its viewer is told.")
            await send(messages.message("error", code="internal", topic=name))
            self._leave(subscription)
        return False

    def _leave(self, subscription: Subscription) -> None:
        if self.subscriptions.get(subscription.name) is subscription:
            self._drop(subscription.name)


def _now() -> float:
    return asyncio.get_running_loop().time()

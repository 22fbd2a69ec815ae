"""Topics without a log: what one person sees, computed once for all their sockets here."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from threadhub.kernel.errors import NotVisible
from threadhub.kernel.rbac.held import remembering
from threadhub.kernel.streams import wakeups
from threadhub.kernel.streams.wakeups import ACCESS, FAMILY, in_thread

from . import callers
from .messages import text_of

if TYPE_CHECKING:
    from .topics import Topic

# Computing may take one part in five of a thread's time at most.
REST = 4
RETRY_SECONDS = 1.0

logger = logging.getLogger(__name__)


class Board:
    """The newest view of a topic for one person; `seq` counts how often it changed."""

    def __init__(self, topic: Topic, argument: str, user_id: int) -> None:
        self.seq = 0
        self.data = ""
        self.is_lost = False
        self._topic = topic
        self._argument = argument
        self._user_id = user_id
        self._readers: set[Callable[[], None]] = set()
        keys = [f"{FAMILY}{family}" for family in sorted(topic.families)]
        self._exit = ExitStack()
        self._watch = self._exit.enter_context(wakeups.watching(ACCESS, *keys))
        self._task = asyncio.get_running_loop().create_task(self._follow())

    def join(self, wake: Callable[[], None]) -> None:
        """Call `wake` whenever the view has changed, or may not be seen any more."""
        self._readers.add(wake)
        if self.seq or self.is_lost:
            wake()

    def refresh(self) -> None:
        """Compute the view again, soon."""
        self._watch.wake()

    def leave(self, wake: Callable[[], None]) -> None:
        """Stop calling; the last to leave ends the board."""
        self._readers.discard(wake)
        if not self._readers:
            self._exit.close()
            self._task.cancel()
            boards = _boards()
            if boards.get(self._name) is self:
                del boards[self._name]

    @property
    def _name(self) -> tuple[str, str, int]:
        return self._topic.name, self._argument, self._user_id

    async def _follow(self) -> None:
        while not self.is_lost:
            begun = time.monotonic()
            try:
                data = await in_thread(compute)(self._topic, self._argument, self._user_id)
            except NotVisible:
                self.is_lost = True
            except Exception:
                logger.exception("A view could not be computed; it is tried again.")
                await asyncio.sleep(RETRY_SECONDS)
                continue
            else:
                if data == self.data:
                    await self._rest(begun)
                    continue
                self.data = data
                self.seq += 1
            for wake in list(self._readers):
                wake()
            await self._rest(begun)

    async def _rest(self, begun: float) -> None:
        took = time.monotonic() - begun
        await asyncio.sleep(max(self._topic.pause - took, took * REST))
        await self._watch.wait(timeout=self._topic.patience)


def compute(topic: Topic, argument: str, user_id: int) -> str:
    """Return what the person sees now, as JSON. Raises NotVisible."""
    user = callers.person(user_id)
    if not user.is_active:
        raise NotVisible("There is no such topic.")
    with remembering():
        return text_of(topic.snapshot(user, topic.find(user, argument)))


_all: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[str, str, int], Board]] = (
    WeakKeyDictionary()
)


def _boards() -> dict[tuple[str, str, int], Board]:
    return _all.setdefault(asyncio.get_running_loop(), {})


def joined(topic: Topic, argument: str, user_id: int, wake: Callable[[], None]) -> Board:
    """Return the person's board on this loop, joined."""
    name = topic.name, argument, user_id
    board = _boards().get(name)
    if board is None or board.is_lost:
        board = _boards()[name] = Board(topic, argument, user_id)
    board.join(wake)
    return board

"""All sockets of this process on one event loop: their limits, and who may keep theirs."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from threadhub.kernel import clock
from threadhub.kernel.streams import wakeups
from threadhub.kernel.streams.wakeups import ACCESS, in_thread

from . import callers
from .messages import Close, Closing

if TYPE_CHECKING:
    from collections.abc import Collection

    from .callers import Caller, Mark
    from .connections import Connection

SOCKETS_OF_ONE, SOCKETS_OF_ALL = 20, 5000
ROUND_SECONDS = 5.0
# However often rights change, rounds have a pause.
PAUSE_SECONDS = 0.1
# So many sockets are asked about in each round though nothing says that they should be.
ASKED_ANYWAY = 200
GOODBYE_SECONDS = 1.0
# Clients come back spread over this time after a restart.
RETURN_MS = 5000

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Standing:
    """What the database says about everybody who holds a socket."""

    marks: dict[int, Mark]
    sessions: set[str]
    keys: set[int]
    has_grant_ended: bool


def look(of: Collection[Caller], *, after: datetime, until: datetime) -> Standing:
    """Ask about all these callers at once; up to 5 queries, in a thread."""
    sessions = {caller.session_key for caller in of if caller.session_key}
    keys = {caller.key_id for caller in of if caller.key_id}
    return Standing(
        callers.marks({caller.user_id for caller in of}),
        callers.open_sessions(sessions) if sessions else set(),
        callers.usable_keys(keys) if keys else set(),
        callers.has_grant_ended(after=after, until=until),
    )


class Hub:
    """Counts sockets, and asks in rounds whether their people still may hold them."""

    def __init__(self) -> None:
        self.connections: set[Connection] = set()
        self.lag_seconds = 0.0
        self._of_person: Counter[int] = Counter()
        self._looked_at = clock.now()
        self._rounds: asyncio.Task[None] | None = None

    def admit(self, connection: Connection) -> None:
        """Take a socket in. Raises Closing when there are too many."""
        user_id = connection.caller.user_id
        if self._of_person[user_id] >= SOCKETS_OF_ONE or len(self.connections) >= SOCKETS_OF_ALL:
            raise Closing(Close.TOO_MUCH)
        self.connections.add(connection)
        self._of_person[user_id] += 1
        if self._rounds is None or self._rounds.done():
            self._rounds = asyncio.get_running_loop().create_task(self._run())

    def dismiss(self, connection: Connection) -> None:
        """Let a socket go; no harm for one that was never taken in."""
        if connection in self.connections:
            self.connections.discard(connection)
            self._of_person[connection.caller.user_id] -= 1
            if not self._of_person[connection.caller.user_id]:
                del self._of_person[connection.caller.user_id]

    def people(self) -> int:
        """Return how many people hold sockets here."""
        return len(self._of_person)

    async def say_goodbye(self) -> None:
        """End every socket, since the process ends; each is told when to come back."""
        for connection in list(self.connections):
            connection.end(Close.RESTART, random.randrange(RETURN_MS))  # noqa: S311  # to spread
        for connection in list(self.connections):
            await connection.ended()
        # What was said leaves the process while the clients hang up in turn.
        for _ in range(round(GOODBYE_SECONDS / PAUSE_SECONDS)):
            if self.connections:
                await asyncio.sleep(PAUSE_SECONDS)

    async def _run(self) -> None:
        self._looked_at = clock.now()
        with wakeups.watching(ACCESS) as watch:
            while self.connections:
                is_woken = await watch.wait(timeout=ROUND_SECONDS)
                try:
                    await self._round(anyway=0 if is_woken else ASKED_ANYWAY)
                except Exception:
                    logger.exception("Rights of open sockets were not asked; the next round does.")
                begun = asyncio.get_running_loop().time()
                await asyncio.sleep(PAUSE_SECONDS)
                self.lag_seconds = asyncio.get_running_loop().time() - begun - PAUSE_SECONDS

    async def _round(self, *, anyway: int) -> None:
        """Ask about everybody; who changed, and some who did not, are asked about each topic."""
        known, until = list(self.connections), clock.now()
        standing = await in_thread(look)(
            [connection.caller for connection in known], after=self._looked_at, until=until
        )
        self._looked_at = until
        waited = sorted(known, key=lambda one: one.asked_at)[:anyway]
        for connection in known:
            if code := _reason_to_end(connection, standing):
                connection.end(code)
            elif _changed(connection, standing) or standing.has_grant_ended or connection in waited:
                connection.doubt()


def _reason_to_end(connection: Connection, standing: Standing) -> Close | None:
    caller = connection.caller
    mark = standing.marks.get(caller.user_id)
    is_signed_in = (
        mark is not None
        and callers.is_active(mark)
        and (caller.session_key is None or caller.session_key in standing.sessions)
        and (caller.session_key is None or callers.has_same_password(mark, caller.mark))
        and (caller.key_id is None or caller.key_id in standing.keys)
    )
    return connection.overdue() if is_signed_in else Close.SIGNED_OUT


def _changed(connection: Connection, standing: Standing) -> bool:
    """Say whether the person's rights may be others than before, and remember what they are."""
    mark = standing.marks[connection.caller.user_id]
    if mark == connection.mark and callers.epoch_of(mark) is not None:
        return False
    connection.mark = mark
    return True


_all: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def here() -> Hub:
    """Return the hub of the running loop."""
    loop = asyncio.get_running_loop()
    if loop not in _all:
        _all[loop] = Hub()
    return _all[loop]


def every() -> list[Hub]:
    """Return the hubs of all loops that still run."""
    return [found for loop, found in list(_all.items()) if not loop.is_closed()]


def say_goodbye() -> None:
    """End every socket of this process, from any thread but the loops' own; waits a moment."""
    endings = [
        asyncio.run_coroutine_threadsafe(hub.say_goodbye(), loop)
        for loop, hub in list(_all.items())
        if not loop.is_closed() and hub.connections
    ]
    for ending in endings:
        try:
            ending.result(2 * GOODBYE_SECONDS)
        except TimeoutError:
            logger.warning("Not every socket could be told that the process ends.")

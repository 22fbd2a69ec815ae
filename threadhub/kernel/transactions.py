"""Write transactions: one fair lock per SQLite database, none elsewhere.

SQLite's busy handler retries at random, so under load a writer may starve for seconds.
A first-come, first-served lock inside the process removes that; other processes still
meet SQLite's own lock and its busy timeout.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import DEFAULT_DB_ALIAS, connections, transaction

logger = logging.getLogger(__name__)


class FairLock:
    """A lock granted in order of arrival; the holding thread may take it again."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()
        self._holder: int | None = None
        self._depth = 0

    def acquire(self) -> None:
        """Wait for the turn of the calling thread."""
        me = threading.get_ident()
        with self._guard:
            if self._holder in (None, me):
                self._holder = me
                self._depth += 1
                return
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        turn.acquire()
        with self._guard:
            self._holder = me
            self._depth = 1

    def is_mine(self) -> bool:
        """Say whether the calling thread holds it."""
        return self._holder == threading.get_ident()

    def release(self) -> None:
        """Give the lock up, to the longest waiting thread if there is one."""
        with self._guard:
            self._depth -= 1
            if self._depth:
                return
            # A placeholder keeps newcomers queued until the woken thread has signed in.
            self._holder = -1 if self._waiting else None
            if self._waiting:
                self._waiting.popleft().release()


class _Waiting(threading.local):
    """What a thread has committed and not yet followed up, since it still holds a lock."""

    def __init__(self) -> None:
        self.callbacks: list[Callable[[], object]] = []


_locks: dict[str, FairLock] = {}
_locks_guard = threading.Lock()
_waiting = _Waiting()


def _lock_for(alias: str) -> FairLock | None:
    if connections[alias].vendor != "sqlite":
        return None
    with _locks_guard:
        return _locks.setdefault(alias, FairLock())


@contextmanager
def writing(alias: str = DEFAULT_DB_ALIAS) -> Iterator[None]:
    """Hold the right to write to a SQLite database; costs nothing on other databases."""
    lock = _lock_for(alias)
    if lock is None:
        yield
        return
    lock.acquire()
    try:
        yield
    finally:
        lock.release()
        if not lock.is_mine():
            _follow_up()


def after_commit(callback: Callable[[], object]) -> None:
    """Call the function once the open transaction has committed and its lock is free.

    What follows a commit may read through connections of other threads, which may themselves
    wait for the lock. A failure is logged; what was committed stays.
    """

    # Django reports what fails after the commit by its name, which a partial has not.
    def following() -> None:
        lock = _lock_for(DEFAULT_DB_ALIAS)
        if lock is not None and lock.is_mine():
            _waiting.callbacks.append(callback)
        else:
            callback()

    transaction.on_commit(following, robust=True)


def _follow_up() -> None:
    callbacks, _waiting.callbacks = _waiting.callbacks, []
    for callback in callbacks:
        try:
            callback()
        except Exception:
            logger.exception("What follows a commit failed.")


@contextmanager
def atomic(using: str = DEFAULT_DB_ALIAS) -> Iterator[None]:
    """Open a write transaction in fair order; nested calls are savepoints."""
    with writing(using), transaction.atomic(using=using):
        yield

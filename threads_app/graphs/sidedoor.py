"""Use an asynchronous context from a thread that has no event loop, such as a web request's."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import TypeVar

logger = logging.getLogger(__name__)

ValueT = TypeVar("ValueT")


class LoopBlocked(Exception):
    """The loop did not answer in time: a factory holds it with code that cannot be awaited."""


class _Loop:
    """An event loop in a daemon thread."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self._run, name="graph-side-door", daemon=True).start()

    def _run(self) -> None:
        ended = False
        while not ended:
            try:
                self.loop.run_forever()
                ended = True
            except (SystemExit, KeyboardInterrupt):
                # A task of the project's raised it; the others go on.
                ended = False


_current: _Loop | None = None
_guard = threading.Lock()


@contextmanager
def entered(manager: AbstractAsyncContextManager[ValueT], *, seconds: float) -> Iterator[ValueT]:
    """Enter the context on the side door's loop, and leave it in the same task.

    Raises what entering or leaving raises, LoopBlocked when neither answers in `seconds`.
    """
    side = _door()
    ready: Future[ValueT] = Future()
    leave = asyncio.Event()
    task = asyncio.run_coroutine_threadsafe(_held(manager, ready, leave), side.loop)
    try:
        value = _waited(side, ready, seconds)
    except LoopBlocked:
        task.cancel()
        raise
    try:
        yield value
    finally:
        side.loop.call_soon_threadsafe(leave.set)
        try:
            _waited(side, task, seconds)
        except LoopBlocked:
            # The value was there; only its end was not.
            logger.warning("a graph's context was not left in time")


async def _held(
    manager: AbstractAsyncContextManager[ValueT], ready: Future[ValueT], leave: asyncio.Event
) -> None:
    try:
        async with manager as value:
            ready.set_result(value)
            await leave.wait()
    except BaseException as error:
        if ready.done():
            raise
        ready.set_exception(error)


def _waited(side: _Loop, future: Future[ValueT], seconds: float) -> ValueT:
    try:
        return future.result(seconds)
    except FutureTimeout:
        if future.done():
            raise
        _abandon(side)
        raise LoopBlocked from None


def _door() -> _Loop:
    global _current  # noqa: PLW0603  # one loop a process, so that cached clients stay usable
    with _guard:
        if _current is None:
            _current = _Loop()
        return _current


def _abandon(side: _Loop) -> None:
    """Let the next one start a loop of its own; the blocked one ends when it can."""
    global _current  # noqa: PLW0603
    with _guard:
        if _current is side:
            _current = None
    side.loop.call_soon_threadsafe(side.loop.stop)

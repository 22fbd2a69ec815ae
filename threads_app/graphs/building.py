"""Build a graph from its factory: within a time limit, left in the task that entered it."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import inspect
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings
from langgraph.graph import StateGraph
from langgraph.pregel import Pregel

from threadhub.kernel.errors import Invalid

if TYPE_CHECKING:
    from threads_app.graphs.access import Operation
    from threads_app.graphs.factories import Factory

logger = logging.getLogger(__name__)


class BuildTooSlow(Invalid):
    """A factory did not return its graph in time."""

    code = "graph_build_too_slow"


class NoGraphBuilt(Invalid):
    """A factory returned something that is no graph."""

    code = "graph_not_built"


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What a factory made, and how long it took."""

    graph: Pregel[Any, Any, Any, Any]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildCounts:
    """What factories did in this process."""

    builds: int
    seconds: float


class _Tally:
    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._builds, self._seconds = 0, 0.0

    def add(self, seconds: float) -> None:
        with self._guard:
            self._builds += 1
            self._seconds += seconds

    def counts(self) -> BuildCounts:
        with self._guard:
            return BuildCounts(builds=self._builds, seconds=round(self._seconds, 3))


_tally = _Tally()
counts = _tally.counts


def limit() -> float:
    """Return how many seconds a factory has, to build and again to clean up."""
    seconds: float = settings.BUILD_SECONDS
    return seconds


@asynccontextmanager
async def built(factory: Factory, operation: Operation, *, name: str) -> AsyncIterator[Built]:
    """Yield the graph a factory makes, and leave its context afterwards, whatever happened.

    Raises BuildTooSlow, NoGraphBuilt, and what the factory raises.
    """
    started = time.perf_counter()
    stack = contextlib.AsyncExitStack()
    try:
        graph = await _in_time(factory, operation, stack, name=name)
        seconds = round(time.perf_counter() - started, 3)
        _tally.add(seconds)
        yield Built(graph=graph, seconds=seconds)
    except BaseException as error:
        # A context must not swallow what ended the run, so its answer does not count.
        await _left(stack, error, name=name)
        raise
    else:
        await _left(stack, None, name=name)


async def _in_time(
    factory: Factory, operation: Operation, stack: contextlib.AsyncExitStack, *, name: str
) -> Pregel[Any, Any, Any, Any]:
    try:
        async with asyncio.timeout(limit()) as clock:
            return await _entered(factory, operation, stack, name=name)
    except TimeoutError as error:
        if not clock.expired():
            raise
        raise BuildTooSlow(
            f"The factory of `{name}` did not build its graph within {limit():g} s: make it "
            "faster, or raise THREADHUB_BUILD_SECONDS."
        ) from error
    except (SystemExit, KeyboardInterrupt) as error:
        # Either would end the loop and every run on it.
        raise NoGraphBuilt(f"The factory of `{name}` ends the process ({error!r}).") from error


async def _entered(
    factory: Factory, operation: Operation, stack: contextlib.AsyncExitStack, *, name: str
) -> Pregel[Any, Any, Any, Any]:
    if factory.may_block:
        made = await in_thread(lambda: factory.made(operation))
    else:
        made = factory.made(operation)
    if inspect.isasyncgen(made) or inspect.isgenerator(made):
        made = _as_manager(made)
    if inspect.isawaitable(made):
        made = await made
    if not isinstance(made, Pregel | StateGraph):
        made = await _manager_entered(made, stack)
    if isinstance(made, StateGraph):
        made = made.compile()
    if not isinstance(made, Pregel):
        raise NoGraphBuilt(
            f"The factory of `{name}` returned {_kind(made)}, not a graph: return a compiled "
            "graph or a StateGraph."
        )
    return made


async def _manager_entered(made: Any, stack: contextlib.AsyncExitStack) -> Any:
    if isinstance(made, contextlib.AbstractAsyncContextManager):
        return await stack.enter_async_context(made)
    if isinstance(made, contextlib.AbstractContextManager):
        entered = await in_thread(made.__enter__)

        async def leave(*exception: Any) -> None:
            await in_thread(lambda: made.__exit__(*exception))

        stack.push_async_exit(leave)
        return entered
    return made


def _as_manager(made: Any) -> Any:
    if inspect.isasyncgen(made):
        return contextlib.asynccontextmanager(lambda: made)()
    return contextlib.contextmanager(lambda: made)()


async def _left(
    stack: contextlib.AsyncExitStack, error: BaseException | None, *, name: str
) -> None:
    """Leave the factory's context; what fails or hangs there is logged and costs nothing else."""
    details = (type(error), error, error.__traceback__) if error else (None, None, None)
    try:
        async with asyncio.timeout(limit()):
            await stack.__aexit__(*details)
    except BaseException as problem:
        if problem is error:
            return
        if isinstance(problem, asyncio.CancelledError):
            raise
        logger.warning("a graph's context failed on leaving", extra={"graph": name}, exc_info=True)


async def in_thread(call: Callable[[], Any]) -> Any:
    """Run a call in a daemon thread of its own, which may be left behind when it hangs."""
    future: Future[Any] = Future()
    context = contextvars.copy_context()

    def body() -> None:
        try:
            result = context.run(call)
        except BaseException as error:  # noqa: BLE001  # handed on
            # The waiting side raises it; a SystemExit must not end a loop, though.
            _set(future, error=_ordinary(error))
        else:
            _set(future, result=result)

    threading.Thread(target=body, name="graph-factory", daemon=True).start()
    return await asyncio.wrap_future(future)


def _set(future: Future[Any], *, result: Any = None, error: BaseException | None = None) -> None:
    # A cancelled future takes no result: nobody waits for it any more.
    if future.set_running_or_notify_cancel():
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)


def _ordinary(error: BaseException) -> BaseException:
    if isinstance(error, Exception):
        return error
    return NoGraphBuilt(f"The factory ends the process ({error!r}).")


def _kind(made: object) -> str:
    return "nothing" if made is None else f"something of type {type(made).__name__}"

"""Functions that make the graph, in every form that projects use."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Any

from langchain_core.runnables import RunnableConfig
from langgraph.graph import START
from shared_graphs import State, asking

if TYPE_CHECKING:
    from langgraph_sdk.runtime import ServerRuntime

# (form, access context, user) of each build; "entered" and "left" of each context.
log: list[tuple[str, ...]] = []


def note(*words: str) -> None:
    log.append(words)


def sync() -> Any:
    note("sync")
    return asking().compile()


def sync_config(config: RunnableConfig) -> Any:
    user = config["configurable"]["langgraph_auth_user"]
    note("sync config", user["identity"], config["configurable"].get("tone", ""))
    return asking().compile()


def sync_runtime(runtime: "ServerRuntime") -> Any:  # noqa: UP037  # a text in a text
    note("sync runtime", runtime.access_context, runtime.ensure_user().identity)
    assert runtime.store is not None
    return asking().compile()


def optional(config: RunnableConfig | None = None, extra: int = 3) -> Any:
    assert config is not None and extra == 3
    note("optional")
    return asking().compile()


def makes_builder() -> Any:
    return asking()


def logged(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        note("wrapped")
        return function(*args, **kwargs)

    return wrapper


@logged
@logged
def wrapped(config: RunnableConfig) -> Any:
    assert "configurable" in config
    return asking().compile()


def _partly(name: str, config: RunnableConfig) -> Any:
    note("partial", name)
    return asking().compile()


partial = functools.partial(_partly, "given")


class Maker:
    async def __call__(self, config: RunnableConfig) -> Any:
        note("object")
        return asking().compile()


callable_object = Maker()


async def graph(config: RunnableConfig) -> Any:
    await asyncio.sleep(0)
    note("async")
    return asking().compile()


async def async_both(config: RunnableConfig, runtime: ServerRuntime[Any]) -> Any:
    user = runtime.user
    assert user is not None and config["configurable"]["langgraph_auth_user_id"] == user.identity
    execution = runtime.execution_runtime
    note("async both", runtime.access_context, "run" if execution else "no run")
    return asking().compile()


async def async_optional(config: RunnableConfig | None = None) -> Any:
    return asking().compile()


@contextlib.asynccontextmanager
async def manager(config: RunnableConfig, runtime: ServerRuntime) -> AsyncIterator[Any]:
    note("manager", "entered", runtime.access_context)
    resource = {"is_open": True}

    def use(state: State) -> dict[str, Any]:
        assert resource["is_open"] and state["number"] > 0
        return {"trail": ["used"]}

    builder = asking().add_node("use", use)
    try:
        yield builder.add_edge(START, "use").compile()
    finally:
        await asyncio.sleep(0)
        resource["is_open"] = False
        note("manager", "left", runtime.access_context)


async def generator() -> AsyncIterator[Any]:
    note("generator", "entered")
    try:
        yield asking().compile()
    finally:
        note("generator", "left")


@contextlib.contextmanager
def sync_manager() -> Iterator[Any]:
    note("sync manager", "entered")
    try:
        yield asking().compile()
    finally:
        note("sync manager", "left")


@contextlib.asynccontextmanager
async def _traced() -> AsyncIterator[Any]:
    yield asking().compile()


def traced(config: RunnableConfig) -> Any:
    """Return a context manager without being one."""
    return _traced()


@contextlib.asynccontextmanager
async def waits() -> AsyncIterator[Any]:
    async def wait(_: Any) -> dict[str, Any]:
        note("waits", "node")
        await asyncio.Event().wait()
        return {}

    try:
        yield asking().add_node("wait", wait).add_edge("prepare", "wait").compile()
    finally:
        note("waits", "left")


def shifting(config: RunnableConfig) -> Any:
    """Build another graph when it is told to."""
    builder = asking()
    if config["configurable"].get("extra"):
        builder.add_node("extra", lambda _: {}).add_edge("ask", "extra")
    return builder.compile()


async def hanging(config: RunnableConfig) -> Any:
    how = config["configurable"].get("hang")
    if how == "raise":
        raise LookupError("no hanging today")
    if how == "async":
        await asyncio.Event().wait()
    if how == "block":
        threading.Event().wait(4)
    return await asyncio.to_thread(_built, how)


def _built(how: str | None) -> Any:
    if how == "sync":
        threading.Event().wait(3)
    return asking().compile()

"""Executes a graph: an order in, events out as they happen, a result at the end.

This is the one interface between the engine and LangGraph. It knows no leases and no rows.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from langgraph.types import Command

from threadhub.kernel.streams.log import Item
from threads_app.graphs.encoding import plain

from .translating import Translator

if TYPE_CHECKING:
    from threads_app.graphs.loaded import AnyGraph

# Always asked of the graph; what nobody requested is stored in a compact form only.
STREAM_MODES = ("values", "updates", "tasks", "checkpoints", "messages", "custom")

Emit = Callable[[list[Item]], Awaitable[None]]

# Keys of a config that only servers write: LangGraph's own parts, and who somebody is.
RESERVED = ("__", "langgraph_auth_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to execute. `is_continuation`: the order's input has reached the state already."""

    run_id: str
    thread_key: str
    input: Any = None
    command: Mapping[str, Any] | None = None
    is_continuation: bool = False
    config: Mapping[str, Any] = field(default_factory=dict)
    # Typed by the graph's schema, defaults filled in.
    context: Any = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    checkpoint: Mapping[str, Any] | None = None
    stream_modes: Sequence[str] = ()
    interrupt_before: Any = None
    interrupt_after: Any = None
    durability: str = "sync"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How the graph left its state: its values as JSON and what would come next."""

    values: Any
    next: tuple[str, ...]
    is_interrupted: bool
    usage: dict[str, int]


async def execute(graph: AnyGraph, order: Order, emit: Emit) -> Result:
    """Run the graph to its end, its next question or its error, emitting events.

    Raises what the graph raises, and asyncio.CancelledError when cancelled.
    """
    translator = Translator(requested=order.stream_modes, run_id=order.run_id)
    async for namespace, mode, data in _stream(graph, order):
        items = translator.translate(namespace, mode, data)
        if items:
            await emit(items)
    await emit(translator.finish())
    return Result(
        values=plain(translator.values),
        next=translator.next,
        is_interrupted=translator.is_interrupted,
        usage=translator.usage,
    )


def _stream(graph: AnyGraph, order: Order) -> AsyncIterator[Any]:
    options: dict[str, Any] = {
        "stream_mode": list(STREAM_MODES),
        "subgraphs": True,
        "durability": order.durability,
    }
    if graph.context_schema is not None:
        options["context"] = order.context
    if order.interrupt_before:
        options["interrupt_before"] = order.interrupt_before
    if order.interrupt_after:
        options["interrupt_after"] = order.interrupt_after
    stream: AsyncIterator[Any] = graph.astream(_input(order), config_of(order), **options)
    return stream


def _input(order: Order) -> Any:
    if order.is_continuation:
        return None
    if order.command is not None:
        known = {key: order.command.get(key) for key in ("resume", "update", "goto")}
        return Command(**{key: value for key, value in known.items() if value is not None})
    return order.input


def config_of(order: Order) -> Any:
    """Return LangGraph's config; the run id in the metadata marks this run's checkpoints."""
    given = dict(order.config)
    named = given.get("configurable", {}).items()
    configurable = {key: value for key, value in named if not key.startswith(RESERVED)}
    configurable["thread_id"] = order.thread_key
    if order.checkpoint and not order.is_continuation:
        configurable["checkpoint_id"] = order.checkpoint["checkpoint_id"]
        configurable["checkpoint_ns"] = order.checkpoint.get("checkpoint_ns", "")
    metadata = {**given.get("metadata", {}), **order.metadata, "run_id": order.run_id}
    return {**given, "configurable": configurable, "metadata": metadata}

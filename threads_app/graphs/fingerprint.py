"""A graph's shape in one word: changes when waiting threads may be stranded by a release."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from langgraph.channels.base import BaseChannel
from langgraph.pregel import Pregel

if TYPE_CHECKING:
    from langgraph.pregel.protocol import PregelProtocol

logger = logging.getLogger(__name__)

# LangGraph derives these from nodes and edges, under names that change between its versions.
_DERIVED = ("__", "branch:", "join:")
_SAID = 4


def fingerprint(graph: Pregel) -> str:
    """Hash nodes, edges, channels and interrupt points, also of subgraphs; not the code."""
    return digest(shape(graph))


def digest(of: Mapping[str, Any]) -> str:
    """Return the fingerprint of a shape."""
    text = json.dumps(of, sort_keys=True, ensure_ascii=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """Return in a few words what two shapes do not share; empty when they are equal."""
    said = []
    for part in ("nodes", "channels", "subgraphs"):
        old, new = set(before.get(part, ())), set(after.get(part, ()))
        said += [f"the {part[:-1]} `{name}` is new" for name in sorted(new - old)]
        said += [f"the {part[:-1]} `{name}` is missing" for name in sorted(old - new)]
    if not said and before != after:
        changed = [part for part in before if before[part] != after.get(part)]
        said = [f"its {' and '.join(changed)} differ"]
    return ", ".join(said[:_SAID])


def channel_kinds(graph: Pregel) -> dict[str, str]:
    """Return the state's channels with the kind of each, without LangGraph's own."""
    return {
        name: type(channel).__name__ if isinstance(channel, BaseChannel) else "Managed"
        for name, channel in sorted(graph.channels.items())
        if not name.startswith(_DERIVED) or name == "__root__"
    }


def interrupt_points(graph: Pregel) -> dict[str, list[str]]:
    """Return before and after which nodes the graph always stops; "*" means every node."""
    return {
        "before": _names(graph.interrupt_before_nodes),
        "after": _names(graph.interrupt_after_nodes),
    }


def edges(graph: Pregel) -> list[list[Any]]:
    """Return [source, target, is conditional] of every edge, sorted."""
    try:
        drawn = graph.get_graph().edges
    except Exception:
        # Drawing walks the user's own objects; a graph that cannot be drawn can still run.
        logger.debug("the edges of a graph could not be read", exc_info=True)
        return []
    return sorted([edge.source, edge.target, edge.conditional] for edge in drawn)


def shape(graph: PregelProtocol) -> dict[str, Any]:
    """Return nodes, edges, channels and interrupt points as plain JSON, also of subgraphs."""
    if not isinstance(graph, Pregel):
        return {"remote": type(graph).__name__}
    return {
        "nodes": sorted(graph.nodes),
        "edges": edges(graph),
        "channels": channel_kinds(graph),
        "interrupts": interrupt_points(graph),
        "subgraphs": {name: shape(inner) for name, inner in graph.get_subgraphs()},
    }


def _names(value: object) -> list[str]:
    return ["*"] if value == "*" else sorted(value)  # type: ignore[call-overload]

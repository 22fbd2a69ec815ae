"""Which nodes of a graph can run after others, by its description."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

_ENDS = ("__start__", "__end__")


def nodes(description: Mapping[str, Any]) -> list[str]:
    """Return the nodes that run, in the order of the drawing."""
    drawn = description.get("nodes")
    ids = [one.get("id") for one in drawn if isinstance(one, Mapping)] if drawn else []
    return [name for name in ids if isinstance(name, str) and name not in _ENDS]


def following(description: Mapping[str, Any], node: str) -> list[str]:
    """Return the nodes that an edge leads to, conditional ones too."""
    return [target for source, target in _edges(description) if source == node]


def behind(description: Mapping[str, Any], starts: Iterable[str]) -> list[str]:
    """Return the nodes that can run after these, without them, nearest first."""
    known = dict.fromkeys(starts)
    found: list[str] = []
    waiting = list(known)
    while waiting:
        for target in following(description, waiting.pop(0)):
            if target not in known and target not in _ENDS:
                known[target] = None
                found.append(target)
                waiting.append(target)
    return found


def _edges(description: Mapping[str, Any]) -> list[tuple[str, str]]:
    drawn = description.get("edges") or []
    return [
        (str(edge.get("source")), str(edge.get("target")))
        for edge in drawn
        if isinstance(edge, Mapping)
    ]

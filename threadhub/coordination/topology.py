"""The order of threads that depend on each other."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from graphlib import CycleError, TopologicalSorter
from typing import TypeVar

NodeT = TypeVar("NodeT", bound=Hashable)


class Circular(Exception):
    """The edges go round in a circle; `nodes` are those on it, the first again at its end."""

    def __init__(self, nodes: list[str]) -> None:
        super().__init__(" -> ".join(nodes))
        self.nodes = nodes


def levels(nodes: Iterable[NodeT], edges: Iterable[tuple[NodeT, NodeT]]) -> dict[NodeT, int]:
    """Return each node's level: 0 without upstreams, else one more than its highest one's.

    An edge is (upstream, downstream). Raises Circular.
    """
    above: dict[NodeT, set[NodeT]] = {node: set() for node in nodes}
    for upstream, downstream in edges:
        above[downstream].add(upstream)
    try:
        order = list(TopologicalSorter(above).static_order())
    except CycleError as error:
        raise Circular([str(node) for node in error.args[1]]) from None
    found: dict[NodeT, int] = {}
    for node in order:
        found[node] = 1 + max((found[upstream] for upstream in above[node]), default=-1)
    return found

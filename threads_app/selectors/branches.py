"""How a thread's checkpoints descend from each other, laid out as rails for a page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from checkpoints_app.services import inspecting

from .snapshots import BRANCH, BY

if TYPE_CHECKING:
    from threads_app.models import Thread

    from .snapshots import Outline

# The newest ones that are laid out; what is older stands on the rails as they were left.
MOST = 5000
PAGE = 30


@dataclass(frozen=True, slots=True)
class Curve:
    """A line within a row: from a rail at its top or middle to one at its middle or bottom."""

    # through, up, down, join
    kind: str
    rail: int
    to: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where a checkpoint stands, and the lines that pass it."""

    rail: int
    curves: tuple[Curve, ...]
    # The name of the branch, empty for the first.
    branch: str
    by: str
    parent: str | None
    # The newest checkpoint that was made from this one.
    child: str | None


@dataclass(frozen=True, slots=True)
class Branch:
    """A line of checkpoints: its name, and the newest of it."""

    name: str
    tip: str
    is_head: bool


@dataclass(frozen=True, slots=True)
class Tree:
    """All that is laid out."""

    places: dict[str, Place]
    branches: tuple[Branch, ...]
    head: str
    is_cut: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A checkpoint with its place and the nodes that made it."""

    outline: Outline
    place: Place | None
    nodes: tuple[str, ...]


def tree(thread: Thread, ns: str = "") -> Tree:
    """Return the rails of a namespace, in one query; values are not read."""
    links = inspecting.links(key=thread.public_id, ns=ns, limit=MOST)
    names = _names(links)
    known = {link.checkpoint_id for link in links}
    children = {link.parent_id: link.checkpoint_id for link in reversed(links)}
    lanes: list[str | None] = []
    places: dict[str, Place] = {}
    for link in links:
        rail, curves = _laid(lanes, link, known)
        name, by = names[link.checkpoint_id]
        child = children.get(link.checkpoint_id)
        places[link.checkpoint_id] = Place(rail, curves, name, by, link.parent_id, child)
    head = links[0].checkpoint_id if links else ""
    branches = tuple(
        Branch(place.branch, key, key == head)
        for key, place in places.items()
        if place.child is None
    )
    return Tree(places, branches, head, len(links) == MOST)


def _names(links: list[inspecting.Link]) -> dict[str, tuple[str, str]]:
    """Return the branch of each checkpoint: its own name, else its parent's."""
    names: dict[str | None, tuple[str, str]] = {}
    for link in reversed(links):
        own = link.metadata.get(BRANCH)
        by = link.metadata.get(BY)
        inherited, _ = names.get(link.parent_id, ("", ""))
        name = own if isinstance(own, str) and own else inherited
        names[link.checkpoint_id] = (name, by if isinstance(by, str) else "")
    return {key: name for key, name in names.items() if key is not None}


def _laid(
    lanes: list[str | None], link: inspecting.Link, known: set[str]
) -> tuple[int, tuple[Curve, ...]]:
    """Give a checkpoint its rail and move the lanes below it; newest first."""
    waiting = [rail for rail, wanted in enumerate(lanes) if wanted == link.checkpoint_id]
    rail = waiting[0] if waiting else _free(lanes)
    curves = [
        Curve("through", other, other)
        for other, wanted in enumerate(lanes)
        if wanted is not None and other not in waiting
    ]
    if waiting:
        curves.append(Curve("up", rail, rail))
    for other in waiting[1:]:
        curves.append(Curve("join", other, rail))
        lanes[other] = None
    goes_on = link.parent_id if link.parent_id in known else None
    lanes[rail] = goes_on
    if goes_on is not None:
        curves.append(Curve("down", rail, rail))
    return rail, tuple(curves)


def _free(lanes: list[str | None]) -> int:
    if None not in lanes:
        lanes.append(None)
    return lanes.index(None)


def page(thread: Thread, laid: Tree, *, ns: str = "", before: str = "") -> list[Row]:
    """Return a page of checkpoints, newest first, one more than PAGE when there are more.

    Two queries at most: the second for parents that stand on later pages.
    """
    found = inspecting.outlines(key=thread.public_id, ns=ns, before=before, limit=PAGE + 1)
    return rows_of(thread, laid, found, ns=ns)


def rows_of(thread: Thread, laid: Tree, found: list[Outline], *, ns: str = "") -> list[Row]:
    """Return checkpoints with their places; one query at most, for parents that are not there."""
    known = {outline.checkpoint_id: outline for outline in found}
    absent = {one.parent_id for one in found if one.parent_id} - known.keys()
    if absent:
        older = inspecting.outlines(key=thread.public_id, ns=ns, ids=absent, limit=len(absent))
        known |= {outline.checkpoint_id: outline for outline in older}
    return [
        Row(
            outline,
            laid.places.get(outline.checkpoint_id),
            inspecting.nodes_between(outline, known.get(outline.parent_id or "")),
        )
        for outline in found
    ]

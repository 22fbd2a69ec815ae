"""A graph's stored drawing with what its nodes are doing: what the SVG template shows."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext, ngettext

from threadhub.kernel import drawing
from threadhub.kernel.adminbase.marks import duration, look

if TYPE_CHECKING:
    from datetime import datetime

    from threads_app.models import Graph
    from threads_app.selectors.pictures import Node, Picture

START, END = "__start__", "__end__"
WIDTH, HEIGHT = 196, 40
PILL_WIDTH, PILL_HEIGHT = 68, 22
# Letters that fit into a node beside its icon.
LETTERS = 20
# Wider than its card, a drawing keeps its size and scrolls.
WIDE = 640
# Narrower than this, it is never stretched.
SMALL = 432
LOST = ("lost", "dropped")


def of_graph(
    graph: Graph,
    picture: Picture,
    *,
    is_deep: bool,
    asked: Mapping[str, datetime],
    now: datetime,
    address: str,
) -> dict[str, Any] | None:
    """Return the drawing, None for a graph whose nodes are not known.

    `asked` says since when nodes wait for an answer; `address` begins the links of the nodes.
    """
    described = graph.description.get("xray") if is_deep else graph.description
    keys = [node["id"] for node in (described or {}).get("nodes", [])]
    if not keys or not described:
        return None
    lines = [_line(edge) for edge in described.get("edges", [])]
    shown, joined, folds = drawing.fold(keys, lines)
    shapes = tuple(_shape(key) for key in shown)
    laid = drawing.layout(shapes, tuple(joined))
    nodes = [
        _node(laid.places[key], picture.nodes.get(key), folds.get(key, ()), asked, now)
        for key in shown
    ]
    return {
        "name": graph.name,
        "width": laid.width,
        "height": laid.height,
        "is_wide": laid.width > WIDE,
        "is_small": laid.width < SMALL,
        "nodes": nodes,
        "edges": [_edge(path, picture) for path in laid.paths],
        "folded": sum(len(part) for part in folds.values()),
        "total": len([key for key in keys if key not in {START, END}]),
        "address": address,
        "seq": picture.seq,
    }


def _line(edge: Mapping[str, Any]) -> drawing.Line:
    label = edge.get("data")
    return drawing.Line(
        str(edge["source"]),
        str(edge["target"]),
        label if isinstance(label, str) else "",
        bool(edge.get("conditional")),
    )


def _shape(key: str) -> drawing.Shape:
    if key in {START, END}:
        return drawing.Shape(key, PILL_WIDTH, PILL_HEIGHT)
    return drawing.Shape(key, WIDTH, HEIGHT)


def _node(
    place: drawing.Place,
    node: Node | None,
    folded: Any,
    asked: Mapping[str, datetime],
    now: datetime,
) -> dict[str, Any]:
    key = place.key
    status = "waiting" if key in asked else node.state if node else "idle"
    shown = "cancelled" if status in LOST else status
    look_name = look("success" if shown == "answered" else shown)[0]
    name = gettext("%d more nodes") % len(folded) if folded else key.rsplit(":", 1)[-1]
    return {
        "key": key,
        "is_start": key == START,
        "is_end": key == END,
        "is_fold": bool(folded),
        "place": place,
        "middle": place.middle,
        "text_y": place.y + 15,
        "fold_y": place.y + 24,
        "icon_x": place.x + 11,
        "icon_y": place.y + 12,
        "name_x": place.x + 36,
        "name_y": place.y + 17,
        "state_y": place.y + 33,
        "look": look_name,
        "name": name,
        "short": _cut(name),
        "state": "" if folded else said(node, status, asked.get(key), now),
        "visits": node.visits if node else 0,
        "running": node.running if node else 0,
    }


def _cut(name: str) -> str:
    """Return as much of a name as fits; wide letters count twice."""
    room, kept = LETTERS, ""
    for letter in name:
        room -= 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        if room < 0:
            return kept[:-1] + "…"
        kept += letter
    return kept


def coarse(seconds: float) -> str:
    """Return how long somebody has waited; nobody counts its milliseconds."""
    if seconds < 60:
        return gettext("%s s") % int(seconds)
    return gettext("%d min") % (seconds // 60) if seconds < 3600 else duration(seconds)


def said(node: Node | None, status: str, since: datetime | None, now: datetime) -> str:
    """Return what a node is doing in words."""
    if status == "waiting":
        if since is None:
            return gettext("Waiting")
        return gettext("Waiting %s") % coarse((now - since).total_seconds())
    if node is None or not node.visits:
        return gettext("Not started")
    if status == "running":
        return _running(node)
    if status == "error":
        return gettext("Failed: %s") % node.error[:24]
    if status in LOST:
        return gettext("Cut off")
    took = duration(node.last_seconds)
    if node.visits == 1:
        return gettext("Done in %s") % took
    text = ngettext(
        "Done in %(time)s, %(count)d visit", "Done in %(time)s, %(count)d visits", node.visits
    )
    return text % {"time": took, "count": node.visits}


def _running(node: Node) -> str:
    if node.running > 1:
        return gettext("Running, %d at once") % node.running
    if node.visits > 1:
        return gettext("Running, visit %d") % node.visits
    return gettext("Running")


def _edge(path: drawing.Path, picture: Picture) -> dict[str, Any]:
    target = picture.nodes.get(path.line.target)
    look_name = "maybe" if path.line.is_conditional else ""
    if _was_taken(path.line, picture):
        look_name = "active" if target is not None and target.running else "done"
    marker = look_name if look_name in {"active", "done"} else ""
    return {
        "d": path.d,
        "look": look_name,
        "marker": f"tip-{marker}" if marker else "tip",
        "source": path.line.source,
        "target": path.line.target,
        "label": path.line.label,
        "x": path.label_at[0],
        "y": path.label_at[1],
    }


def _was_taken(line: drawing.Line, picture: Picture) -> bool:
    if (line.source, line.target) in picture.moves:
        return True
    has_left = line.source == START or line.source in picture.nodes
    if line.target == END:
        is_over = picture.status == "success" and not picture.next
        return has_left and is_over and _is_last(line.source, picture)
    # Into and out of a subgraph nothing says which way was taken; a single way was.
    is_inside = line.source.count(":") == line.target.count(":")
    return has_left and line.target in picture.nodes and not (line.is_conditional and is_inside)


def _is_last(key: str, picture: Picture) -> bool:
    _, here, _ = picture.layers.get("", (0, {key}, set()))
    return key.split(":", maxsplit=1)[0] in here

"""Place the nodes of a directed graph in layers, top to bottom, and route its edges."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from grandalf.graphs import Edge, Graph, Vertex
from grandalf.layouts import SugiyamaLayout

GAP_X, GAP_Y = 28.0, 22.0
MARGIN = 6.0
# What an edge that passes a layer takes up there.
LANE = 14.0
# How far the edge of a node to itself swings out.
SWING = 26.0
# How far from the middle edges back leave and enter.
BESIDE = 30.0
ROUNDS = 2
# Ordering them more carefully takes seconds where nobody can follow the edges anyway.
MANY = 80
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Shape:
    """A node to place: its key and its size."""

    key: str
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Line:
    """An edge to route."""

    source: str
    target: str
    label: str = ""
    is_conditional: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node is: its upper left corner and its size."""

    key: str
    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        """Return the x of the middle."""
        return self.x + self.width / 2


@dataclass(frozen=True, slots=True)
class Path:
    """The way of an edge, as the `d` of an SVG path, and where its label stands."""

    line: Line
    d: str
    label_at: Point


@dataclass(frozen=True, slots=True)
class Drawing:
    """A finished drawing; all coordinates are inside its width and height."""

    width: float
    height: float
    places: dict[str, Place]
    paths: list[Path]


class _View:
    def __init__(self, shape: Shape) -> None:
        self.w, self.h = shape.width, shape.height
        self.xy: Point = (0.0, 0.0)


@lru_cache(maxsize=64)
def layout(shapes: tuple[Shape, ...], lines: tuple[Line, ...]) -> Drawing:
    """Return the drawing; edges to unknown nodes are left out, repeated ones are one.

    The last drawings are kept, since a page that is watched asks for the same one.
    """
    keys = {shape.key for shape in shapes}
    known = [line for line in lines if line.source in keys and line.target in keys]
    unique = list({(line.source, line.target): line for line in known}.values())
    back = _back_edges([shape.key for shape in shapes], unique)
    placed: dict[str, Place] = {}
    lanes: dict[tuple[str, str], list[Point]] = {}
    left = 0.0
    for component in _components(shapes, unique, back):
        left = _take(component, left, placed, lanes) + GAP_X
    routes = [(line, _route(line, placed, lanes, back)) for line in unique]
    return _framed(placed, routes)


def _back_edges(keys: Sequence[str], lines: Sequence[Line]) -> set[tuple[str, str]]:
    """Return the edges that close a cycle, found in the order in which nodes were given."""
    after: dict[str, list[str]] = defaultdict(list)
    for line in lines:
        after[line.source].append(line.target)
    entered = {line.target for line in lines if line.source != line.target}
    found: set[tuple[str, str]] = set()
    done: set[str] = set()
    for root in sorted(keys, key=lambda key: key in entered):
        open_: dict[str, int] = {root: 0} if root not in done else {}
        while open_:
            key = next(reversed(open_))
            at = open_[key]
            if at == len(after[key]):
                done.add(key)
                del open_[key]
                continue
            open_[key] = at + 1
            target = after[key][at]
            if target in open_:
                found.add((key, target))
            elif target not in done:
                open_[target] = 0
    return found


def _components(
    shapes: Sequence[Shape], lines: Sequence[Line], back: set[tuple[str, str]]
) -> list[Graph]:
    vertices = {shape.key: Vertex(shape.key) for shape in shapes}
    for shape in shapes:
        vertices[shape.key].view = _View(shape)
    # Turned around, an edge back keeps a lane free beside the layers it passes.
    downward = dict.fromkeys(
        (line.target, line.source)
        if (line.source, line.target) in back
        else (line.source, line.target)
        for line in lines
        if line.source != line.target
    )
    edges = [Edge(vertices[source], vertices[target]) for source, target in downward]
    components: list[Graph] = Graph(list(vertices.values()), edges).C
    return components


def _take(
    component: Graph,
    left: float,
    placed: dict[str, Place],
    lanes: dict[tuple[str, str], list[Point]],
) -> float:
    """Lay one connected part out from `left` on and return how far it reaches."""
    sugiyama = SugiyamaLayout(component)
    sugiyama.xspace, sugiyama.yspace = GAP_X, GAP_Y
    sugiyama.dw, sugiyama.dh = LANE, LANE
    roots = [vertex for vertex in component.sV if not vertex.e_in()]
    sugiyama.init_all(roots=roots, inverted_edges=[])
    sugiyama.draw(ROUNDS if len(component.sV) <= MANY else 1)
    views = {vertex.data: vertex.view for vertex in component.sV}
    shift = left - min(view.xy[0] - view.w / 2 for view in views.values())
    right = left
    for key, view in views.items():
        x = view.xy[0] - view.w / 2 + shift
        placed[key] = Place(key, x, view.xy[1] - view.h / 2, view.w, view.h)
        right = max(right, x + view.w)
    for edge, stops in sugiyama.ctrls.items():
        inner = [stop.view.xy for _, stop in sorted(stops.items()) if not isinstance(stop, Vertex)]
        source, target = (vertex.data for vertex in edge.v)
        lanes[source, target] = [(x + shift, y) for x, y in inner]
    return right


def _route(
    line: Line,
    placed: dict[str, Place],
    lanes: dict[tuple[str, str], list[Point]],
    back: set[tuple[str, str]],
) -> list[Point]:
    """Return the points an edge goes through, three for each curve after the first."""
    source, target = placed[line.source], placed[line.target]
    if line.source == line.target:
        return _loop(source)
    if (line.source, line.target) in back:
        return _upward(source, target, lanes.get((line.target, line.source), [])[::-1])
    stops = lanes.get((line.source, line.target), [])
    start = (source.middle, source.y + source.height)
    return _curved([start, *stops, (target.middle, target.y)])


def _curved(points: list[Point]) -> list[Point]:
    route = points[:1]
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        half = (y0 + y1) / 2
        route += [(x0, half), (x1, half), (x1, y1)]
    return route


def _loop(place: Place) -> list[Point]:
    x, y = place.x + place.width, place.y + place.height
    return [(x, y - 10), (x + SWING, y - 6), (x + SWING, place.y + 6), (x, place.y + 10)]


def _upward(source: Place, target: Place, stops: list[Point]) -> list[Point]:
    """Go beside the middle, where edges down come in, so that both can be followed."""
    start = (source.middle + _beside(source), source.y)
    end = (target.middle + _beside(target), target.y + target.height)
    return _curved([start, *stops, end])


def _beside(place: Place) -> float:
    return min(BESIDE, place.width / 2 - 4)


def _framed(placed: dict[str, Place], routes: list[tuple[Line, list[Point]]]) -> Drawing:
    """Move everything to the upper left and write the paths."""
    xs = [x for place in placed.values() for x in (place.x, place.x + place.width)]
    ys = [y for place in placed.values() for y in (place.y, place.y + place.height)]
    xs += [x for _, route in routes for x, _ in route]
    ys += [y for _, route in routes for _, y in route]
    if not xs:
        return Drawing(0.0, 0.0, {}, [])
    dx, dy = MARGIN - min(xs), MARGIN - min(ys)
    places = {
        key: Place(key, round(place.x + dx, 1), round(place.y + dy, 1), place.width, place.height)
        for key, place in placed.items()
    }
    paths = [_path(line, [(x + dx, y + dy) for x, y in route]) for line, route in routes]
    width, height = max(xs) + dx + MARGIN, max(ys) + dy + MARGIN
    return Drawing(round(width, 1), round(height, 1), places, paths)


def _path(line: Line, route: list[Point]) -> Path:
    first, *rest = route
    is_straight = all(abs(x - first[0]) < 1 for x, _ in rest)
    if is_straight:
        d = f"M{_n(first[0])} {_n(first[1])}V{_n(rest[-1][1])}"
    else:
        d = f"M{_n(first[0])} {_n(first[1])}C" + " ".join(f"{_n(x)} {_n(y)}" for x, y in rest)
    middle = route[len(route) // 2 - 1], route[len(route) // 2]
    at = (sum(x for x, _ in middle) / 2, sum(y for _, y in middle) / 2)
    return Path(line, d, (round(at[0], 1), round(at[1], 1)))


def _n(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")

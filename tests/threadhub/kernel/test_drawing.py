"""Drawings of graphs: every node has a place of its own and every edge a way."""

from __future__ import annotations

import itertools
import re

import pytest

from threadhub.kernel.drawing import Drawing, Line, Shape, fold, layout

WIDTH, HEIGHT = 196, 40


def drawn(keys: list[str], edges: list[tuple[str, str]]) -> Drawing:
    lines = tuple(Line(source, target) for source, target in edges)
    return layout(tuple(Shape(key, WIDTH, HEIGHT) for key in keys), lines)


def chain(count: int) -> tuple[list[str], list[tuple[str, str]]]:
    keys = [f"n{number}" for number in range(count)]
    return keys, list(itertools.pairwise(keys))


def overlaps(drawing: Drawing) -> list[tuple[str, str]]:
    places = list(drawing.places.values())
    return [
        (one.key, other.key)
        for number, one in enumerate(places)
        for other in places[number + 1 :]
        if abs(one.x - other.x) < WIDTH and abs(one.y - other.y) < HEIGHT
    ]


def is_inside(drawing: Drawing) -> bool:
    """Say whether all places and all points of the paths are inside the drawing."""
    points = [
        (float(x), float(y))
        for path in drawing.paths
        for x, y in re.findall(r"(-?[\d.]+) (-?[\d.]+)", path.d)
    ]
    corners = [
        corner
        for place in drawing.places.values()
        for corner in ((place.x, place.y), (place.x + place.width, place.y + place.height))
    ]
    return all(0 <= x <= drawing.width and 0 <= y <= drawing.height for x, y in [*points, *corners])


class TestLayout:
    @pytest.mark.parametrize("count", [0, 1, 2, 150])
    def test_a_chain_goes_down(self, count: int) -> None:
        drawing = drawn(*chain(count))

        heights = [place.y for place in drawing.places.values()]
        assert heights == sorted(heights)
        assert len(set(heights)) == count == len(drawing.places)
        assert is_inside(drawing) and overlaps(drawing) == []

    def test_cycles_are_routed_back_up(self) -> None:
        edges = [("plan", "search"), ("search", "tools"), ("tools", "search")]
        edges += [("search", "approve"), ("approve", "plan"), ("tools", "tools")]
        drawing = drawn(["plan", "search", "tools", "approve"], edges)

        assert [path.line for path in drawing.paths] == [Line(*edge) for edge in edges]
        assert len({path.d for path in drawing.paths}) == len(edges)
        assert drawing.places["plan"].y < drawing.places["search"].y < drawing.places["tools"].y
        assert is_inside(drawing) and overlaps(drawing) == []

    def test_parts_without_a_connection_stand_side_by_side(self) -> None:
        drawing = drawn(["a", "b", "c"], [])

        assert is_inside(drawing) and overlaps(drawing) == []

    def test_edges_to_nowhere_and_repeated_ones_are_left_out(self) -> None:
        drawing = drawn(["a", "b"], [("a", "b"), ("a", "b"), ("a", "missing")])

        assert [path.line for path in drawing.paths] == [Line("a", "b")]

    def test_the_same_graph_is_drawn_the_same(self) -> None:
        edges = [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"), ("d", "a")]
        first = drawn(["a", "b", "c", "d"], edges)
        layout.cache_clear()

        assert drawn(["a", "b", "c", "d"], edges) == first


class TestFold:
    def test_what_can_be_read_stays(self) -> None:
        keys, edges = chain(150)
        lines = [Line(*edge) for edge in edges]

        assert fold(keys, lines) == (keys, lines, {})

    def test_three_hundred_nodes_are_folded_and_connected(self) -> None:
        keys, edges = chain(300)
        shown, lines, folds = fold(keys, [Line(*edge) for edge in edges])

        assert len(shown) <= 150
        kept = [key for key in shown if key not in folds]
        assert sorted([*kept, *(key for part in folds.values() for key in part)]) == sorted(keys)
        assert {line.source for line in lines} | {line.target for line in lines} <= set(shown)
        drawing = layout(tuple(Shape(key, WIDTH, HEIGHT) for key in shown), tuple(lines))
        assert is_inside(drawing) and overlaps(drawing) == []

    def test_scattered_nodes_become_few_folds(self) -> None:
        keys = [f"n{number}" for number in range(1000)]
        shown, _, folds = fold(keys, [])

        assert len(shown) <= 150
        assert sum(len(part) for part in folds.values()) == 1000 - len(shown) + len(folds)

    def test_what_matters_is_kept(self) -> None:
        keys, edges = chain(300)
        shown, _, _ = fold(keys, [Line(*edge) for edge in edges], rank=lambda key: key != "n299")

        assert "n299" in shown

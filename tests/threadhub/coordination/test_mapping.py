"""What flows between threads, and the order they run in."""

from __future__ import annotations

import contextlib
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from threadhub.coordination import mapping, topology
from threadhub.coordination.mapping import BadExpression, DataMissing, Flow

OUTPUT: dict[str, Any] = {"items": [{"name": "a"}, {"name": None}], "none": None, "n": 1}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("items[0].name", "a"),
        ("items[1].name", None),
        ("none", None),
        ("length(items)", 2),
        ("items[*].name", ["a"]),
        ("{count: n}", {"count": 1}),
    ],
)
def test_a_path_hands_over_what_it_finds_also_a_null_that_is_there(
    expression: str, value: Any
) -> None:
    assert mapping.merged({}, [Flow("up", OUTPUT, {"key": expression})]) == {"key": value}


@pytest.mark.parametrize("expression", ["items[7]", "nothing", "none.more", "n.more", "length(n)"])
def test_a_path_that_leads_nowhere_is_named_with_its_source(expression: str) -> None:
    with pytest.raises(DataMissing, match="output of up") as caught:
        mapping.merged({}, [Flow("up", OUTPUT, {"key": expression})])

    assert caught.value.upstream == "up"


def test_inputs_are_merged_over_ones_own_in_the_order_of_names() -> None:
    flows = [Flow("b", {"x": "b", "y": "b"}, {}), Flow("a", {"x": "a", "z": "a"}, {})]

    assert mapping.merged({"x": 0, "own": 0}, flows) == {"x": "b", "y": "b", "z": "a", "own": 0}


def test_data_too_deep_for_a_path_is_a_reason_and_no_crash() -> None:
    deep: Any = {}
    for _ in range(5000):
        deep = {"a": deep}

    with pytest.raises(DataMissing, match="nested too deeply"):
        mapping.merged({}, [Flow("up", {"a": deep, "b": None}, {"key": "b"})])


@pytest.mark.parametrize("expression", ["", "a b", "a.", "[", "#", "f(@)", "a" * 257, "!" * 256])
def test_what_is_no_expression_is_refused(expression: str) -> None:
    with pytest.raises(BadExpression):
        mapping.check(expression)


@given(st.text(max_size=60))
def test_no_text_makes_the_check_crash(text: str) -> None:
    with contextlib.suppress(BadExpression):
        mapping.check(text)


EDGES = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=60)


@given(EDGES)
def test_levels_rise_along_every_edge_and_circles_are_named(edges: list[tuple[int, int]]) -> None:
    try:
        found = topology.levels(range(31), edges)
    except topology.Circular as error:
        names = [int(name) for name in error.nodes]
        assert names[0] == names[-1]
        assert set(pairwise(names)) <= set(edges)
    else:
        assert all(found[upstream] < found[downstream] for upstream, downstream in edges)

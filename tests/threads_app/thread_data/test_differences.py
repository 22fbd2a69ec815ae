"""Differences between JSON values: exact, keyed by id, bounded."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from threads_app.selectors import comparing
from threads_app.selectors.differences import SAME, Items, Keyed, apply, compare, words

scalars = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "b", "a b"])
json_values = st.recursive(
    scalars | st.floats(allow_nan=False, allow_infinity=False, width=16),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.sampled_from("abcd"), inner, max_size=4)
        | st.lists(
            st.fixed_dictionaries({"id": st.integers(0, 6), "x": inner}),
            max_size=6,
            unique_by=lambda item: item["id"],
        )
    ),
    max_leaves=20,
)


@given(json_values, json_values)
def test_a_difference_turns_the_first_into_the_second(before: Any, after: Any) -> None:
    untouched = copy.deepcopy(before)

    assert apply(compare(before, after), before) == after
    assert before == untouched


@given(json_values)
def test_nothing_differs_from_itself(value: Any) -> None:
    assert compare(value, copy.deepcopy(value)) is SAME


@given(st.text(alphabet="ab .\n", max_size=60), st.text(alphabet="ab .\n", max_size=60))
def test_the_pieces_of_a_text_hold_both_texts(before: str, after: str) -> None:
    pieces = words(before, after)

    assert "".join(text for kind, text in pieces if kind != "added") == before
    assert "".join(text for kind, text in pieces if kind != "removed") == after


@pytest.mark.parametrize(("before", "after"), [(1, True), (1, 1.0), (0, False), ("1", 1)])
def test_values_of_different_types_differ(before: Any, after: Any) -> None:
    assert compare([before], [after]) is not SAME


def messages(count: int) -> list[dict[str, Any]]:
    return [{"id": f"m{number}", "content": f"text {number}"} for number in range(count)]


def test_dropping_the_first_of_many_messages_is_one_removal() -> None:
    delta = compare(messages(1000), messages(1000)[1:])

    assert isinstance(delta, Keyed)
    assert list(delta.removed) == ["m0"]
    assert (delta.added, delta.changed, delta.order) == ({}, {}, None)


def test_dropping_the_first_of_many_texts_is_one_removal() -> None:
    texts = [f"text {number}" for number in range(1000)]

    found = list(comparing.rows(compare(texts, texts[1:]), ""))

    assert [(row.what, row.path) for row in found] == [("removed", "[0]")]


def test_elements_that_only_changed_places_have_moved() -> None:
    found = list(comparing.rows(compare(messages(3), messages(3)[::-1]), ""))

    assert [row.what for row in found] == ["moved"]


def test_a_change_within_a_message_names_its_path_and_words() -> None:
    before = [{"id": "m7", "content": "status 404, page not found"}]
    after = [{"id": "m7", "content": "status 200, page found"}]

    (row,) = comparing.rows(compare(before, after), "")

    assert row.path == "[m7].content"
    assert ("removed", "404") in row.pieces and ("added", "200") in row.pieces


def test_equal_ids_are_compared_by_place() -> None:
    same = [{"id": "a", "x": 1}, {"id": "a", "x": 2}]

    assert isinstance(compare(same, same[:1]), Items)


def test_long_lists_without_anything_in_common_are_paired_by_place() -> None:
    before, after = [f"a{n}" for n in range(2000)], [f"b{n}" for n in range(2001)]

    delta = compare(before, after)

    assert isinstance(delta, Items)
    assert apply(delta, before) == after


def test_values_nested_without_end_are_replaced_as_a_whole() -> None:
    before: Any = 1
    after: Any = 2
    for _ in range(90):
        before, after = [before], {"a": after}
    deep_before, deep_after = [before], [after]

    assert apply(compare(deep_before, deep_after), deep_before) == deep_after

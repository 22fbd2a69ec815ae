"""The filter by metadata finds the same threads on every database."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model

from threadhub.kernel import clock
from threads_app.models import Thread
from threads_app.services import threads

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

KEYS = [
    "a.b",
    'a"b',
    "a'b",
    "a__b",
    "a b",
    "%s",
    "%",
    "",
    "0",
    "-1",
    "$",
    "$.a",
    "é\\",
    "\u2028",
    "[0]",
]
VALUES = [
    None,
    True,
    False,
    0,
    1,
    -1.5,
    2**60,
    10**30,
    "",
    "1",
    "true",
    "null",
    "é'\"\\%s",
    [],
    [1, "x"],
    {},
]


def found(wanted: dict[str, Any]) -> bool:
    return Thread.objects.with_metadata(wanted).exists()


@pytest.fixture
def keep(db: None) -> Any:
    """Keep one thread with this metadata."""
    actor = get_user_model().objects.create(username="ada")

    def make(metadata: dict[str, Any]) -> None:
        threads.create(actor=actor, now=clock.now(), metadata=metadata)

    return make


@pytest.mark.parametrize("key", KEYS)
def test_any_text_is_a_key(keep: Any, key: str) -> None:
    keep({key: "here", "other": {key: {key: 1}}})

    assert found({key: "here"})
    assert found({"other": {key: {key: 1}}})
    assert not found({key: "there"})
    assert not found({"other": {key: 1}})


def test_each_value_finds_itself_only(keep: Any) -> None:
    keep({str(number): value for number, value in enumerate(VALUES)})

    for number in range(len(VALUES)):
        equal = [value for value in VALUES if found({str(number): value})]
        assert repr(equal) == repr([VALUES[number]])


def test_numbers_are_equal_by_value(keep: Any) -> None:
    keep({"n": 1, "list": [1, {"a": 2}]})

    assert found({"n": 1.0})
    assert found({"list": [1, {"a": 2}]})
    assert not found({"list": [1]})
    assert not found({"n": {"n": 1}})


def test_an_object_may_have_more_keys(keep: Any) -> None:
    keep({"a": {"b": 1, "c": {"d": None, "e": 2}}, "text": '{"b": 1}'})

    assert found({"a": {"c": {"d": None}}})
    assert found({"a": {"b": 1, "c": {}}})
    assert not found({"a": {"b": 1, "x": None}})
    assert not found({"text": {"b": 1}})


def test_nothing_wanted_finds_all(keep: Any) -> None:
    keep({})

    assert found({})
    assert not found({"absent": None})

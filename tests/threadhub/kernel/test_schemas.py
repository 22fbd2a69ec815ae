"""Schemas that strangers wrote: what they refuse, and that none of them takes long."""

from __future__ import annotations

from typing import Any

import pytest

from threadhub.kernel import schemas
from threadhub.kernel.schemas import violations

DOUBLING: dict[str, Any] = {
    "$ref": "#/$defs/a0",
    "$defs": {
        **{f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(30)},
        "a30": {"type": "integer"},
    },
}


def deep(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "integer"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"inner": schema}}
    return schema


def test_what_does_not_fit_is_named_by_its_place() -> None:
    schema = {
        "type": "object",
        "properties": {"tags": {"type": "array", "items": {"type": "integer"}}},
        "required": ["name"],
    }
    found = {each.path: each.rule for each in violations(schema, {"tags": [1, "two"]})}

    assert found == {("tags", 1): "type", ("name",): "required"}


def test_what_fits_violates_nothing() -> None:
    assert violations({"anyOf": [{"type": "string"}, {"type": "null"}]}, None) == []


def test_the_same_value_twice_is_refused_where_values_are_to_differ() -> None:
    schema = {"type": "array", "uniqueItems": True}

    assert violations(schema, [{"a": 1}, {"a": 1}])
    assert violations(schema, [{"a": 1}, {"a": 2}]) == []


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"$ref": "#"}, {}),
        ({"$ref": "http://127.0.0.1:9/schema"}, 1),
        ({"type": "no such type"}, 1),
        ({"enum": list(range(schemas.NODES * 2))}, -1),
        ({"type": "string", "pattern": "(?=a)b"}, "x"),
        ({"patternProperties": {"(a+)+$": {"type": "string"}}}, {"a" * 50 + "b": 1}),
        ({"additionalProperties": False, "patternProperties": {"(a+)+$": {}}}, {"a" * 50 + "b": 1}),
        (deep(schemas.DEPTH), {"inner": 1}),
    ],
)
def test_a_schema_that_cannot_be_used_refuses_nothing(schema: dict[str, Any], value: Any) -> None:
    assert violations(schema, value) == []


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string", "pattern": "(a+)+$"}, "a" * 5000 + "b"),
        (DOUBLING, "text"),
        ({"type": "array", "items": {"type": "integer"}}, ["x"] * 50_000),
    ],
    ids=["pattern", "references", "items"],
)
def test_a_schema_that_would_run_away_answers(schema: dict[str, Any], value: Any) -> None:
    assert len(violations(schema, value)) <= schemas.SHOWN

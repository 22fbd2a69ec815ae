"""Find rows by what their JSON columns hold, alike on every database."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from django.db.models import BooleanField, F, Func

Path = tuple[str, ...]


def _leaves(wanted: Mapping[str, Any], above: Path = ()) -> Iterator[tuple[Path, Any]]:
    for key, value in wanted.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, (*above, key))
        else:
            yield (*above, key), value


class HasValue(Func):
    """Whether a JSON column has this value at the end of these keys.

    Django's own lookups take digits for positions and, on SQLite, texts for numbers. Keys
    and values are parameters of the statement, never text in it.
    """

    output_field = BooleanField()

    def __init__(self, column: str, path: Path, value: Any) -> None:
        super().__init__(F(column))
        self._path = path
        self._value = value

    def as_postgresql(self, compiler: Any, connection: Any, **_: Any) -> tuple[str, list[Any]]:
        """Return a comparison of jsonb values; an empty object is found in any object."""
        column, parameters = compiler.compile(self.source_expressions[0])
        place = f"({column} #> %s::text[])"
        parameters = [*parameters, list(self._path)]
        if self._value == {}:
            return f"(jsonb_typeof{place} = 'object')", parameters
        return f"({place} = %s::jsonb)", [*parameters, json.dumps(self._value)]

    def as_sqlite(self, compiler: Any, connection: Any, **_: Any) -> Any:
        """Return a walk down the keys; their text is compared, not made part of a JSON path."""
        source, parameters = compiler.compile(self.source_expressions[0])
        tables, conditions = [], []
        for level in range(len(self._path)):
            tables.append(f"json_each({source}) AS e{level}")
            conditions.append(f"e{level}.key = %s")
            source = f"CASE e{level}.type WHEN 'object' THEN e{level}.value ELSE '{{}}' END"
        condition, compared = _sqlite_condition(f"e{len(self._path) - 1}", self._value)
        where = " AND ".join([*conditions, condition])
        sql = f"EXISTS (SELECT 1 FROM {', '.join(tables)} WHERE {where})"  # noqa: S608
        return sql, [*parameters, *self._path, *compared]


def _sqlite_condition(entry: str, value: Any) -> tuple[str, list[Any]]:
    """Return how an entry of json_each is compared with a JSON value."""
    if value is None or isinstance(value, bool) or value == {}:
        kind = "object" if value == {} else json.dumps(value)
        return f"{entry}.type = '{kind}'", []
    if isinstance(value, str):
        return f"{entry}.type = 'text' AND {entry}.value = %s", [value]
    if isinstance(value, list):
        return f"{entry}.type = 'array' AND json({entry}.value) = json(%s)", [json.dumps(value)]
    number = f"{entry}.value = json_extract(%s, '$')"
    return f"{entry}.type IN ('integer', 'real') AND {number}", [json.dumps(value)]


def has_metadata(wanted: Mapping[str, Any]) -> list[HasValue]:
    """Return the conditions for metadata that has all of this; objects may have more keys."""
    return [HasValue("metadata", path, value) for path, value in _leaves(wanted)]


class HasItem(Func):
    """Whether a JSON column holds a list with this text in it."""

    output_field = BooleanField()

    def __init__(self, column: str, item: str) -> None:
        super().__init__(F(column))
        self._item = item

    def as_postgresql(self, compiler: Any, connection: Any, **_: Any) -> tuple[str, list[Any]]:
        """Return jsonb's own question."""
        column, parameters = compiler.compile(self.source_expressions[0])
        return f"({column} @> %s::jsonb)", [*parameters, json.dumps([self._item])]

    def as_sqlite(self, compiler: Any, connection: Any, **_: Any) -> Any:
        """Return a walk over the list."""
        column, parameters = compiler.compile(self.source_expressions[0])
        sql = f"EXISTS (SELECT 1 FROM json_each({column}) AS e WHERE e.value = %s)"  # noqa: S608
        return sql, [*parameters, self._item]

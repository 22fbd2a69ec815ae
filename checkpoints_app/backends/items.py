"""The statements about items, the same on both databases; every value is a bound parameter."""

# ruff: noqa: S608  # Only constants are joined; every value is a bound parameter.
from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from checkpoints_app.models.labels import after_namespace

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

    from .base import Backend

_IN_CHUNK = 200
_COLUMNS = "id, namespace, key, value, ttl_minutes, created_at, updated_at"
_MINE = "owner_id = {mark} AND (expires_at IS NULL OR expires_at > {mark})"
_PUT = (
    "INSERT INTO checkpoints_store_item AS old (owner_id, namespace, key, value, ttl_minutes,"
    " expires_at, created_at, updated_at) VALUES {rows}"
    " ON CONFLICT (owner_id, namespace, key) DO UPDATE SET value = excluded.value,"
    " ttl_minutes = excluded.ttl_minutes, expires_at = excluded.expires_at,"
    " updated_at = excluded.updated_at, created_at = CASE WHEN old.expires_at <="
    " excluded.updated_at THEN excluded.created_at ELSE old.created_at END RETURNING id"
)


class Place(NamedTuple):
    """Where an item is: namespace and key, packed."""

    namespace: bytes
    key: bytes


class StoredItem(NamedTuple):
    """An item as it is stored; `value` is JSON text, `ttl` in minutes."""

    id: int
    place: Place
    value: str
    ttl: float | None
    created_at: datetime
    updated_at: datetime


class Items:
    """A person's items on one connection, as of `now`: what has expired is not there."""

    def __init__(
        self, backend: Backend, wrapper: BaseDatabaseWrapper, *, owner: int, now: datetime
    ) -> None:
        self._backend = backend
        self._wrapper = wrapper
        self._owner = owner
        self._now = now
        self._mark = backend.mark

    def get(self, places: Sequence[Place]) -> dict[Place, StoredItem]:
        """Return those of these items that exist, in one statement per 200."""
        found = {}
        for chunk in _chunks(places):
            rows = ", ".join([f"({self._mark}, {self._mark})"] * len(chunk))
            condition = f"(namespace, key) IN (VALUES {rows})"
            params = [part for place in chunk for part in place]
            found.update({item.place: item for item in self._select(condition, params)})
        return found

    def below(self, prefix: bytes, *, limit: int, offset: int) -> list[StoredItem]:
        """Return one page of the items below a namespace, latest first."""
        condition, params = self._range(prefix)
        tail = f" ORDER BY updated_at DESC, id DESC LIMIT {self._mark} OFFSET {self._mark}"
        return self._select(condition, [*params, limit, offset], tail)

    def each_below(self, prefix: bytes) -> Iterator[StoredItem]:
        """Yield the items below a namespace, latest first; values are read 200 at a time."""
        condition, params = self._range(prefix)
        mine, values = self._mine()
        sql = f"SELECT id FROM checkpoints_store_item WHERE {mine} AND {condition}"
        rows = self._rows(f"{sql} ORDER BY updated_at DESC, id DESC", [*values, *params])
        for chunk in _chunks([number for (number,) in rows]):
            found = {item.id: item for item in self._select(*self._among(chunk))}
            yield from (found[number] for number in chunk if number in found)

    def namespaces(self, prefix: bytes) -> list[bytes]:
        """Return the packed namespaces at or below a namespace, in order."""
        condition, params = self._range(prefix)
        mine, values = self._mine()
        sql = f"SELECT DISTINCT namespace FROM checkpoints_store_item WHERE {mine}"
        rows = self._rows(f"{sql} AND {condition} ORDER BY namespace", [*values, *params])
        return [bytes(namespace) for (namespace,) in rows]

    def put(self, items: Sequence[tuple[Place, str, float | None]]) -> list[int]:
        """Store values with their minutes to live and return the items' numbers."""
        numbers: list[int] = []
        now = self._backend.moment(self._now)
        for chunk in _chunks(items):
            rows = ", ".join([f"({', '.join([self._mark] * 8)})"] * len(chunk))
            params: list[Any] = []
            for place, value, ttl in chunk:
                params += [self._owner, *place, value, ttl, self._expiry(ttl), now, now]
            numbers += [number for (number,) in self._rows(_PUT.format(rows=rows), params)]
        return numbers

    def delete(self, places: Sequence[Place]) -> list[int]:
        """Delete items, also expired ones, and return the numbers of those that existed."""
        numbers: list[int] = []
        for chunk in _chunks(places):
            rows = ", ".join([f"({self._mark}, {self._mark})"] * len(chunk))
            sql = (
                f"DELETE FROM checkpoints_store_item WHERE owner_id = {self._mark}"
                f" AND (namespace, key) IN (VALUES {rows}) RETURNING id"
            )
            params = [self._owner, *(part for place in chunk for part in place)]
            numbers += [number for (number,) in self._rows(sql, params)]
        return numbers

    def refresh(self, items: Sequence[StoredItem]) -> None:
        """Let items that expire live as long again, in one statement per time to live."""
        mine, values = self._mine()
        for ttl in {item.ttl for item in items}:
            numbers = sorted({item.id for item in items if item.ttl == ttl})
            for chunk in _chunks(numbers):
                condition, params = self._among(chunk)
                sql = f"UPDATE checkpoints_store_item SET expires_at = {self._mark}"
                self._rows(
                    f"{sql} WHERE {mine} AND ttl_minutes IS NOT NULL AND {condition}",
                    [self._expiry(ttl), *values, *params],
                )

    def _expiry(self, ttl: float | None) -> Any:
        return None if ttl is None else self._backend.moment(self._now + timedelta(minutes=ttl))

    def _mine(self) -> tuple[str, list[Any]]:
        params = [self._owner, self._backend.moment(self._now)]
        return _MINE.format(mark=self._mark), params

    def _among(self, numbers: Sequence[int]) -> tuple[str, list[Any]]:
        return f"id IN ({', '.join([self._mark] * len(numbers))})", list(numbers)

    def _range(self, prefix: bytes) -> tuple[str, list[Any]]:
        if not prefix:
            return "1 = 1", []
        condition = f"namespace >= {self._mark} AND namespace < {self._mark}"
        return condition, [prefix, after_namespace(prefix)]

    def _select(self, condition: str, params: Sequence[Any], tail: str = "") -> list[StoredItem]:
        mine, values = self._mine()
        sql = f"SELECT {_COLUMNS} FROM checkpoints_store_item WHERE {mine} AND {condition}{tail}"
        return [_item(row) for row in self._rows(sql, [*values, *params])]

    def _rows(self, sql: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
        return self._backend.rows(self._wrapper, sql, params)


def _chunks(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), _IN_CHUNK):
        yield values[start : start + _IN_CHUNK]


def _item(row: tuple[Any, ...]) -> StoredItem:
    number, namespace, key, value, ttl, created_at, updated_at = row
    place = Place(bytes(namespace), bytes(key))
    return StoredItem(number, place, value, ttl, _moment(created_at), _moment(updated_at))


def _moment(value: datetime) -> datetime:
    """Return a time in UTC; SQLite keeps it without saying so."""
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)

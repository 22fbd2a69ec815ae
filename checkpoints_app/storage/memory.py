"""A person's memory: batches of reads and changes, each in one transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from checkpoints_app.backends import Guard
from checkpoints_app.backends.items import Items, Place, StoredItem
from checkpoints_app.models.labels import unpack_namespace, unpack_text
from threadhub.kernel import clock

from .items import checked_ttl, demand_storable, encode, packed_namespace, place_of
from .matching import checked_filter, is_below, literal_start, matches
from .refusals import BadQuery, FenceLost, refusal

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

    from django.db.backends.base.base import BaseDatabaseWrapper

    from .store import Shard, Store

Labels = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Remembered:
    """An item with its value."""

    namespace: Labels
    key: str
    value: dict[str, Any]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class _Search:
    prefix: bytes
    wanted: Mapping[str, Any]
    limit: int
    offset: int
    is_refreshing: bool


@dataclass(frozen=True, slots=True)
class _Listing:
    conditions: Sequence[tuple[str, Labels]]
    max_depth: int | None
    limit: int
    offset: int


@dataclass(slots=True)
class Batch:
    """What is asked of a memory at once, checked as it is added.

    Reads see what was there before; of several changes to one item the last counts.
    """

    gets: dict[int, tuple[Place, bool]] = field(default_factory=dict)
    searches: dict[int, _Search] = field(default_factory=dict)
    listings: dict[int, _Listing] = field(default_factory=dict)
    changes: dict[Place, tuple[str, float | None] | None] = field(default_factory=dict)
    size: int = 0

    def get(self, namespace: Labels, key: str, *, refresh: bool = True) -> None:
        """Ask for an item. Raises BadNamespace, BadItem."""
        self.gets[self._next()] = (place_of(namespace, key), refresh)

    def search(
        self,
        prefix: Labels,
        *,
        wanted: Mapping[str, Any] | None = None,
        limit: int = 10,
        offset: int = 0,
        refresh: bool = True,
    ) -> None:
        """Ask for items below a namespace, latest first. Raises BadNamespace, BadQuery."""
        _check_page(limit, offset)
        packed = packed_namespace(prefix)
        found = _Search(packed, checked_filter(wanted), limit, offset, refresh)
        self.searches[self._next()] = found

    def namespaces(
        self,
        conditions: Iterable[tuple[str, Labels]] = (),
        *,
        max_depth: int | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> None:
        """Ask for the namespaces that match, in order. Raises BadNamespace, BadQuery."""
        _check_page(limit, offset)
        conditions = tuple(conditions)
        for kind, path in conditions:
            is_below(path, kind, path)
            packed_namespace(path)
        self.listings[self._next()] = _Listing(conditions, max_depth, limit, offset)

    def put(
        self, namespace: Labels, key: str, value: Mapping[str, Any], *, ttl: float | None = None
    ) -> None:
        """Store an item, for some minutes or for good. Raises BadNamespace, BadItem."""
        demand_storable(namespace)
        self.changes[place_of(namespace, key)] = (encode(value), checked_ttl(ttl))
        self._next()

    def delete(self, namespace: Labels, key: str) -> None:
        """Delete an item if it exists. Raises BadNamespace, BadItem."""
        self.changes[place_of(namespace, key)] = None
        self._next()

    def _next(self) -> int:
        self.size += 1
        return self.size - 1


class Memory:
    """The items of one person, changed only under a thread's fence if one is named."""

    def __init__(self, store: Store, *, owner: int, fence: tuple[str, int] | None = None) -> None:
        self._store = store
        self._owner = owner
        self._guard = Guard(*fence) if fence else None

    @property
    def executor(self) -> ThreadPoolExecutor:
        """Return the one worker that async calls queue for, in order."""
        return self._shard().executor

    def run(self, batch: Batch) -> list[Any]:
        """Return the answer to each request of a batch: None for changes.

        Raises FenceLost, StoreUnavailable.
        """
        shard = self._shard()
        now = clock.now()
        with shard.turn():
            return shard.run(lambda wrapper: self._run(wrapper, batch, now))

    def _shard(self) -> Shard:
        return self._store.shard(f"memory:{self._owner}")

    def _run(self, wrapper: BaseDatabaseWrapper, batch: Batch, now: datetime) -> list[Any]:
        backend = self._store.backend
        items = Items(backend, wrapper, owner=self._owner, now=now)
        if batch.changes:
            with backend.transaction(wrapper):
                self._demand_fence(wrapper)
                answers, seen = _read(items, batch)
                self._write(wrapper, items, batch, seen)
        else:
            # Reading needs no transaction; most reads refresh nothing.
            answers, seen = _read(items, batch)
            if seen:
                with backend.transaction(wrapper):
                    self._write(wrapper, items, batch, seen)
        return answers

    def _write(
        self, wrapper: BaseDatabaseWrapper, items: Items, batch: Batch, seen: list[StoredItem]
    ) -> None:
        if len(batch.changes) + len(seen) > 1:
            self._store.backend.take_turns(wrapper, self._owner)
        items.refresh(seen)
        change(items, batch)

    def _demand_fence(self, wrapper: BaseDatabaseWrapper) -> None:
        backend, guard = self._store.backend, self._guard
        if guard is None or backend.hold(wrapper, guard):
            return
        lost = refusal(guard, backend.head(wrapper, guard.key))
        raise lost or FenceLost(f"Thread {guard.key!r} has another owner.")


def change(items: Items, batch: Batch) -> list[int]:
    """Make the changes of a batch and return the numbers of the items they concern."""
    # In one order for everybody, whatever the order they were asked for in.
    changes = sorted(batch.changes.items())
    puts = [(place, *new) for place, new in changes if new is not None]
    gone = [place for place, new in changes if new is None]
    return [*items.put(puts), *items.delete(gone)]


def _read(items: Items, batch: Batch) -> tuple[list[Any], list[StoredItem]]:
    """Return the answers and the items whose time to live begins again."""
    answers: list[Any] = [None] * batch.size
    seen: list[StoredItem] = []
    found = items.get(sorted({place for place, _ in batch.gets.values()}))
    for at, (place, is_refreshing) in batch.gets.items():
        if place in found:
            answers[at] = _remembered(found[place])
            seen += [found[place]] * is_refreshing
    for at, search in batch.searches.items():
        page = _search(items, search)
        answers[at] = [item for item, _ in page]
        seen += [stored for _, stored in page] * search.is_refreshing
    for at, listing in batch.listings.items():
        answers[at] = _list(items, listing)
    return answers, [item for item in seen if item.ttl is not None]


def _search(items: Items, search: _Search) -> list[tuple[Remembered, StoredItem]]:
    if not search.limit:
        return []
    if not search.wanted:
        rows = items.below(search.prefix, limit=search.limit, offset=search.offset)
        return [(_remembered(row), row) for row in rows]
    matching = _matching(items.each_below(search.prefix), search.wanted)
    return list(islice(matching, search.offset, search.offset + search.limit))


def _matching(
    rows: Iterable[StoredItem], wanted: Mapping[str, Any]
) -> Iterator[tuple[Remembered, StoredItem]]:
    for row in rows:
        item = _remembered(row)
        if matches(item.value, wanted):
            yield item, row


def _list(items: Items, listing: _Listing) -> list[Labels]:
    starts = [literal_start(path) for kind, path in listing.conditions if kind == "prefix"]
    prefix = max(starts, key=len, default=())
    every = (unpack_namespace(packed) for packed in items.namespaces(packed_namespace(prefix)))
    found = [
        namespace
        for namespace in every
        if all(is_below(namespace, kind, path) for kind, path in listing.conditions)
    ]
    if listing.max_depth is not None:
        found = sorted({namespace[: listing.max_depth] for namespace in found})
    return found[listing.offset : listing.offset + listing.limit]


def _remembered(row: StoredItem) -> Remembered:
    return Remembered(
        unpack_namespace(row.place.namespace),
        unpack_text(row.place.key),
        json.loads(row.value),
        row.created_at,
        row.updated_at,
    )


def _check_page(limit: int, offset: int) -> None:
    if limit < 0 or offset < 0:
        raise BadQuery("Limit and offset are 0 or more.")

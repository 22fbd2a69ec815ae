"""The read path: whole pages at a time, so that nothing is held between two items."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from checkpoints_app.backends import Query, Record
from checkpoints_app.models.ids import pack_id, unpack_id
from checkpoints_app.serde import DamagedValue, StateSerializer
from checkpoints_app.serde.contract import (
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    DeltaSnapshot,
    RunnableConfig,
    writes_sort_key,
)

from . import packing
from .lists import array_header, strip_header
from .manifest import BlobRef, Columns, Inline, ListRef, Ref, from_body

if TYPE_CHECKING:
    from checkpoints_app.backends.rows import Header

    from .store import Store

_PAGE = 50
_HEADER_PAGE = 500
_COLUMNS = {"step": int, "source": str, "run_id": str}


class Reader:
    """Reads checkpoints as one serializer sees them."""

    def __init__(self, store: Store, serializer: StateSerializer) -> None:
        self._store = store
        self._serializer = serializer

    def latest(self, query: Query) -> CheckpointTuple | None:
        """Return the newest checkpoint of a query. Raises BlockedType, DamagedValue."""
        found = self.page(replace(query, limit=1))
        return found[0] if found else None

    def each(
        self, query: Query, filters: dict[str, Any], limit: int | None
    ) -> Iterator[CheckpointTuple]:
        """Yield checkpoints, newest first, whose metadata equals the filters."""
        query, others = _by_column(query, filters)
        left = limit
        while left is None or left > 0:
            size = _PAGE if left is None else min(left, _PAGE)
            page, query, is_last = self._filtered_page(query, others, size)
            yield from page
            left = None if left is None else left - len(page)
            if is_last:
                return

    def _filtered_page(
        self, query: Query, filters: dict[str, Any], size: int
    ) -> tuple[list[CheckpointTuple], Query, bool]:
        if not filters:
            records = self._records(replace(query, limit=size))
            page = [self._tuple(record) for record in records]
            if len(records) < size:
                return page, query, True
            last = records[-1]
            return page, replace(query, after=(last.checkpoint_id, last.scope_id)), False
        headers = self._headers(replace(query, limit=_HEADER_PAGE))
        matching = [header for header in headers if self._matches(header, filters)]
        wanted = matching[:size]
        page = self._named(wanted)
        if len(wanted) == len(matching) and len(headers) < _HEADER_PAGE:
            return page, query, True
        last_header = headers[-1] if len(wanted) == len(matching) else wanted[-1]
        after = (bytes(last_header.checkpoint_id), last_header.scope_id)
        return page, replace(query, after=after), False

    def _named(self, headers: list[Header]) -> list[CheckpointTuple]:
        if not headers:
            return []
        pairs = tuple((header.scope_id, bytes(header.checkpoint_id)) for header in headers)
        return self.page(Query(pairs=pairs))

    def _headers(self, query: Query) -> list[Header]:
        shard = self._store.shard(query.key)
        with shard.turn():
            headers = shard.run(lambda wrapper: shard.backend.headers(wrapper, query))
            unframe, compressor = packing.unframe, shard.compressor
            return [header._replace(meta=unframe(header.meta, compressor)) for header in headers]

    def _matches(self, header: Header, filters: dict[str, Any]) -> bool:
        metadata = self._metadata(header)
        return all(metadata.get(name) == value for name, value in filters.items())

    def page(self, query: Query) -> list[CheckpointTuple]:
        """Return the checkpoints of a query at once."""
        return [self._tuple(record) for record in self._records(query)]

    def _records(self, query: Query) -> list[Record]:
        shard = self._store.shard(query.key)
        with shard.turn():
            records = shard.run(
                lambda wrapper: shard.backend.fetch(wrapper, query, shard.compressor)
            )
            for record in records:
                record.body = packing.unframe(record.body, shard.compressor) or b""
                record.meta = packing.unframe(record.meta, shard.compressor)
        return records

    def _metadata(self, row: Header | Record) -> dict[str, Any]:
        rest = packing.decode_rest(row.meta, self._serializer)
        run_id = None if row.run_id is None else unpack_id(row.run_id)
        return packing.Metadata(row.step, row.source, run_id, rest).joined()

    def _tuple(self, record: Record) -> CheckpointTuple:
        body = packing.decode_body(record.body, self._serializer)
        columns = Columns([bytes(ref) for ref in record.refs], record.logs, record.lens)
        checkpoint, manifest = from_body(body, columns)
        checkpoint["id"] = unpack_id(record.checkpoint_id)
        checkpoint["channel_values"] = {
            channel: self._value(record, ref) for channel, ref in manifest.refs.items()
        }
        parent = None if record.parent_id is None else _config(record, record.parent_id)
        return CheckpointTuple(
            _config(record, record.checkpoint_id),
            cast("Checkpoint", checkpoint),
            cast("CheckpointMetadata", self._metadata(record)),
            parent,
            self._writes(record),
        )

    def _value(self, record: Record, ref: Ref) -> Any:
        if isinstance(ref, Inline):
            return self._serializer.loads_typed((ref.kind, ref.data))
        if isinstance(ref, BlobRef):
            return self._serializer.loads_typed(_blob(record, ref.hash))
        items = self._list(record, ref)
        return DeltaSnapshot(items) if ref.is_snapshot else items

    def _list(self, record: Record, ref: ListRef) -> list[Any]:
        """Return a list version: whole items are joined and decoded at once."""
        parts: list[bytes] = []
        values: list[Any] = []
        count = have = 0
        for log, length in ref.slices:
            for item in record.slices.get(log, ()):
                if item.pos >= length:
                    break
                if item.pos != have:
                    raise DamagedValue("A stored list has a gap.")
                taken = min(item.count, length - item.pos)
                have += taken
                if taken == item.count:
                    parts.append(strip_header(item.data))
                    count += taken
                    continue
                values += self._joined(parts, count)
                values += self._serializer.loads_typed(("msgpack", item.data))[:taken]
                parts, count = [], 0
        if have != ref.length:
            raise DamagedValue(f"A stored list has {have} of {ref.length} elements.")
        joined = self._joined(parts, count)
        return values + joined if values else joined

    def _joined(self, parts: list[bytes], count: int) -> list[Any]:
        data = array_header(count) + b"".join(parts)
        return cast("list[Any]", self._serializer.loads_typed(("msgpack", data)))

    def _writes(self, record: Record) -> list[tuple[str, str, Any]]:
        writes = [(unpack_id(write.task_id), write) for write in record.writes]
        writes.sort(key=lambda pair: writes_sort_key(pair[1].path, pair[0], pair[1].idx))
        loads = self._serializer.loads_typed
        return [
            (
                task_id,
                write.channel,
                loads(
                    (write.kind, bytes(write.value or b""))
                    if write.hash is None
                    else _blob(record, bytes(write.hash))
                ),
            )
            for task_id, write in writes
        ]


def _blob(record: Record, hash_: bytes) -> tuple[str, bytes]:
    try:
        return record.blobs[hash_]
    except KeyError:
        raise DamagedValue(f"A stored value is missing: {hash_.hex()}.") from None


def _config(record: Record, checkpoint_id: bytes) -> RunnableConfig:
    return {
        "configurable": {
            "thread_id": record.key,
            "checkpoint_ns": record.ns,
            "checkpoint_id": unpack_id(checkpoint_id),
        }
    }


def _by_column(query: Query, filters: dict[str, Any]) -> tuple[Query, dict[str, Any]]:
    """Return the query with the filters a column answers, and the other filters."""
    others = dict(filters)
    for name, type_ in _COLUMNS.items():
        if type(others.get(name)) is not type_:
            continue
        probe = packing.Metadata.of({name: others[name]})
        if probe.rest:
            continue
        value = others.pop(name)
        changes: dict[str, Any] = {name: pack_id(value) if name == "run_id" else value}
        query = replace(query, **changes)
    return query, others

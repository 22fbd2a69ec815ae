"""The read path of pages: each value by itself, so that a damaged one spoils no other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from checkpoints_app.models.ids import unpack_id
from checkpoints_app.serde import Compressor, DamagedValue, content_hash, decode_data
from checkpoints_app.serde.contract import writes_sort_key

from . import packing
from .manifest import BlobRef, Columns, Inline, Ref, from_body
from .reading import Reader

if TYPE_CHECKING:
    from checkpoints_app.backends import Query, Record
    from checkpoints_app.backends.rows import StoredWrite

# Decoding takes memory of about ten times as much.
LARGEST_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Stored:
    """One stored value as data, or why it cannot be shown."""

    kind: str
    size: int
    digest: str
    value: Any = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Written:
    """One pending write: what a task gave to a channel."""

    task_id: str
    path: str
    channel: str
    stored: Stored


@dataclass(frozen=True, slots=True)
class Inspected:
    """A checkpoint whose values are read one by one."""

    checkpoint: dict[str, Any]
    metadata: dict[str, Any]
    channels: dict[str, Stored]
    writes: list[Written]


class _Broken(bytes):
    """Bytes that could not be decompressed, with the reason."""

    problem: str


class _Tolerant(Compressor):
    """Hands out what cannot be decompressed as it is stored."""

    def decompress(self, codec: int, data: bytes) -> bytes:
        """Return the value, or its stored bytes that know why not."""
        try:
            return super().decompress(codec, data)
        except DamagedValue as error:
            broken = _Broken(data)
            broken.problem = str(error)
            return broken


class Inspector(Reader):
    """Reads one checkpoint for a person's eyes; nothing is imported and no value raises."""

    def inspect(self, query: Query) -> Inspected | None:
        """Return the newest checkpoint of a query. Raises DamagedValue for a broken manifest."""
        found = self._records(replace(query, limit=1))
        return self._inspected(found[0]) if found else None

    def _records(self, query: Query) -> list[Record]:
        shard = self._store.shard(query.key)
        with shard.turn():
            records = shard.run(lambda wrapper: shard.backend.fetch(wrapper, query, _Tolerant()))
            for record in records:
                record.body = packing.unframe(record.body, shard.compressor) or b""
                record.meta = packing.unframe(record.meta, shard.compressor)
        return records

    def _inspected(self, record: Record) -> Inspected:
        body = packing.decode_body(record.body, self._serializer)
        columns = Columns([bytes(ref) for ref in record.refs], record.logs, record.lens)
        checkpoint, manifest = from_body(body, columns)
        checkpoint["id"] = unpack_id(record.checkpoint_id)
        checkpoint["parent_id"] = record.parent_id and unpack_id(record.parent_id)
        channels = {name: self._stored(record, ref) for name, ref in manifest.refs.items()}
        return Inspected(checkpoint, self._metadata(record), channels, _written(record))

    def _stored(self, record: Record, ref: Ref) -> Stored:
        if isinstance(ref, Inline):
            return _decoded(ref.kind, ref.data)
        if isinstance(ref, BlobRef):
            return _blob(record, ref.hash)
        items = [item.data for log, _ in ref.slices for item in record.slices.get(log, ())]
        size, digest = sum(map(len, items)), content_hash("list", b"".join(items)).hex()
        if size > LARGEST_BYTES:
            return Stored("list", size, digest, problem="It is too large to be shown.")
        try:
            return Stored("list", size, digest, value=self._list(record, ref))
        except (DamagedValue, RecursionError, MemoryError) as error:
            return Stored("list", size, digest, problem=str(error))


def _decoded(kind: str, data: bytes, expected: bytes | None = None) -> Stored:
    digest = content_hash(kind, data)
    size, shown = len(data), digest.hex()
    if isinstance(data, _Broken):
        return Stored(kind, size, (expected or digest).hex(), problem=data.problem)
    if expected is not None and digest != expected:
        problem = f"Its hash is {shown}, but it was stored as {expected.hex()}."
        return Stored(kind, size, expected.hex(), problem=problem)
    if size > LARGEST_BYTES:
        return Stored(kind, size, shown, problem="It is too large to be shown.")
    try:
        return Stored(kind, size, shown, value=decode_data(kind, data))
    except (DamagedValue, RecursionError, MemoryError) as error:
        return Stored(kind, size, shown, problem=str(error))


def _blob(record: Record, hash_: bytes) -> Stored:
    found = record.blobs.get(hash_)
    if found is None:
        return Stored("", 0, hash_.hex(), problem="The stored value is missing.")
    kind, data = found
    return _decoded(kind, data, hash_)


def _written(record: Record) -> list[Written]:
    rows = [(unpack_id(row.task_id), row) for row in record.writes]
    rows.sort(key=lambda pair: writes_sort_key(pair[1].path, pair[0], pair[1].idx))
    return [Written(task, row.path, row.channel, _write(record, row)) for task, row in rows]


def _write(record: Record, row: StoredWrite) -> Stored:
    if row.hash is not None:
        return _blob(record, bytes(row.hash))
    return _decoded(row.kind, bytes(row.value or b""))

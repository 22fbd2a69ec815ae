"""The statements for SQLite: several cheap ones in one immediate transaction."""

# ruff: noqa: S608  # Only constants are joined; every value is a bound parameter.
from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from checkpoints_app.models.fields import pack_numbers, split_hashes, unpack_numbers
from checkpoints_app.models.head import new_epoch
from threadhub.kernel import clock, transactions

from .base import Backend
from .conditions import deletions, selected
from .rows import (
    Accepted,
    BlobRow,
    Collision,
    Guard,
    Header,
    HeadState,
    LogRow,
    ManifestRow,
    Put,
    PutWrites,
    Query,
    Record,
    Slice,
    StoredWrite,
    Unpacker,
)

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

    from checkpoints_app.serde import Compressor

_BLOB = (
    "INSERT INTO checkpoints_blob (head_id, hash, codec, kind, data) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (head_id, hash) DO NOTHING"
)
_ITEM = (
    "INSERT INTO checkpoints_log_item (head_id, log, pos, count, hash, hashes)"
    " VALUES (?, ?, ?, ?, ?, ?)"
)
_CHECKPOINT = (
    "INSERT INTO checkpoints_checkpoint (scope_id, checkpoint_id, parent_id, seq, step, source,"
    " run_id, meta, body, refs, logs, lens, size)"
    " VALUES (?, ?, ?, (SELECT seq FROM checkpoints_head WHERE id = ?), ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (scope_id, checkpoint_id) DO UPDATE SET parent_id = excluded.parent_id,"
    " step = excluded.step, source = excluded.source, run_id = excluded.run_id,"
    " meta = excluded.meta, body = excluded.body, refs = excluded.refs, logs = excluded.logs,"
    " lens = excluded.lens, size = excluded.size"
)
_WRITE = (
    "INSERT INTO checkpoints_write (scope_id, checkpoint_id, task_id, path, idx, channel, kind,"
    " hash, value) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (scope_id, checkpoint_id, task_id, idx) DO "
)
_REPLACE = (
    "UPDATE SET path = excluded.path, channel = excluded.channel, kind = excluded.kind,"
    " hash = excluded.hash, value = excluded.value"
)
_RECORD = (
    "SELECT h.id, h.gc_epoch, h.key, s.ns, c.scope_id, c.checkpoint_id, c.parent_id, c.step,"
    " c.source, c.run_id, c.meta, c.body, c.refs, c.logs, c.lens FROM checkpoints_checkpoint c"
    " JOIN checkpoints_scope s ON s.id = c.scope_id JOIN checkpoints_head h ON h.id = s.head_id "
)
_IN_CHUNK = 500


def _marks(count: int) -> str:
    return ", ".join("?" * count)


def _text(moment: datetime) -> str:
    return str(moment.astimezone(UTC).replace(tzinfo=None))


def _now() -> str:
    return _text(clock.now())


class SqliteBackend(Backend):
    """SQLite in WAL mode: one writer at a time, in fair order within the process."""

    connections = 2
    mark = "?"
    unavailable = (sqlite3.OperationalError,)

    def opened(self, wrapper: BaseDatabaseWrapper) -> None:
        """Trade the last steps before a power loss, which run again, for speed."""
        wrapper.connection.execute("PRAGMA synchronous = NORMAL")
        wrapper.connection.execute("PRAGMA busy_timeout = 20000")

    def is_lost(self, wrapper: BaseDatabaseWrapper) -> bool:
        """Return False: a file does not hang up."""
        return False

    @contextmanager
    def transaction(self, wrapper: BaseDatabaseWrapper) -> Iterator[sqlite3.Connection]:
        """Open an immediate transaction when it is this writer's turn."""
        connection: sqlite3.Connection = wrapper.connection
        with transactions.writing(wrapper.alias):
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    def rows(
        self, wrapper: BaseDatabaseWrapper, sql: str, params: Sequence[Any]
    ) -> list[tuple[Any, ...]]:
        """Run a statement and return its rows."""
        connection: sqlite3.Connection = wrapper.connection
        return connection.execute(sql, params).fetchall()

    def moment(self, value: datetime) -> Any:
        """Return a time as Django writes it to this database."""
        return _text(value)

    def hold(self, wrapper: BaseDatabaseWrapper, guard: Guard) -> bool:
        """Tell whether the guard admits; the transaction itself keeps other writers out."""
        condition, params = self.guard(guard)
        return bool(self.rows(wrapper, f"SELECT 1 FROM checkpoints_head WHERE {condition}", params))

    def take_turns(self, wrapper: BaseDatabaseWrapper, owner: int) -> None:
        """Do nothing: one writer at a time is all there is."""

    def put(self, wrapper: BaseDatabaseWrapper, put: Put) -> Accepted | None:
        """Write a checkpoint; None when the guard refused. Raises Collision."""
        with self.transaction(wrapper) as connection:
            if not self._advance(connection, put):
                return None
            accepted = _place(connection, put.guard.key, put.ns, put.scope_id)
            _store_blobs(connection, accepted.head_id, put.blobs)
            if put.items:
                rows = [(accepted.head_id, *item) for item in put.items]
                try:
                    connection.executemany(_ITEM, rows)
                except sqlite3.IntegrityError as error:
                    raise Collision from error
            connection.execute(_CHECKPOINT, _checkpoint_row(accepted, put))
            return accepted

    def _advance(self, connection: sqlite3.Connection, put: Put) -> bool:
        changes, params = "seq = seq + 1, bytes = bytes + ?, updated_at = ?", [put.size, _now()]
        if put.head_checkpoint is not None:
            changes += ", checkpoint_id = ?, step = ?"
            params += [put.head_checkpoint, put.step]
        condition, values = self.guard(put.guard)
        sql = f"UPDATE checkpoints_head SET {changes} WHERE {condition}"
        return connection.execute(sql, [*params, *values]).rowcount == 1

    def put_writes(self, wrapper: BaseDatabaseWrapper, put: PutWrites) -> Accepted | None:
        """Write pending writes; None when the guard refused."""
        with self.transaction(wrapper) as connection:
            if not self.hold(wrapper, put.guard):
                return None
            accepted = _place(connection, put.guard.key, put.ns, put.scope_id)
            _store_blobs(connection, accepted.head_id, put.blobs)
            place = (accepted.scope_id, put.checkpoint_id, put.task_id, put.path)
            sql = _WRITE + (_REPLACE if put.replace else "NOTHING")
            connection.executemany(sql, [(*place, *row) for row in put.rows])
            return accepted

    def delete(self, wrapper: BaseDatabaseWrapper, guard: Guard) -> bool:
        """Bury the head and delete its rows; False when the guard refused."""
        with self.transaction(wrapper) as connection:
            condition, params = self.guard(guard)
            sql = (
                "UPDATE checkpoints_head SET fence = fence + (tombstone IS NULL), held = 0,"
                " tombstone = COALESCE(tombstone, ?), gc_epoch = ?, checkpoint_id = NULL,"
                " step = NULL, bytes = 0, updated_at = ?"
                f" WHERE ({condition}) OR (key = ? AND tombstone IS NOT NULL)"
            )
            values = [_now(), new_epoch(), _now(), *params, guard.key]
            if connection.execute(sql, values).rowcount != 1:
                return False
            sql = "SELECT id FROM checkpoints_head WHERE key = ?"
            head = connection.execute(sql, (guard.key,)).fetchone()
            for statement in deletions(self.mark):
                connection.execute(statement, head)
            return True

    def create_head(self, wrapper: BaseDatabaseWrapper, key: str) -> None:
        """Insert a head unless it exists."""
        sql = (
            "INSERT INTO checkpoints_head (key, seq, fence, held, gc_epoch, tier, bytes,"
            " updated_at) VALUES (?, 0, 0, 0, ?, 'hot', 0, ?) ON CONFLICT (key) DO NOTHING"
        )
        with self.transaction(wrapper) as connection:
            connection.execute(sql, (key, new_epoch(), _now()))

    def head(self, wrapper: BaseDatabaseWrapper, key: str) -> HeadState | None:
        """Return the state of a head."""
        sql = (
            "SELECT fence, held, tombstone IS NOT NULL, gc_epoch FROM checkpoints_head"
            " WHERE key = ?"
        )
        row = wrapper.connection.execute(sql, (key,)).fetchone()
        return row and HeadState(row[0], bool(row[1]), bool(row[2]), row[3])

    def manifest(
        self, wrapper: BaseDatabaseWrapper, key: str, ns: str, checkpoint_id: bytes
    ) -> ManifestRow | None:
        """Return a checkpoint's references."""
        sql = (
            "SELECT h.id, h.gc_epoch, s.id, c.body, c.refs, c.logs, c.lens FROM checkpoints_head h"
            " JOIN checkpoints_scope s ON s.head_id = h.id AND s.ns = ?"
            " JOIN checkpoints_checkpoint c ON c.scope_id = s.id AND c.checkpoint_id = ?"
            " WHERE h.key = ? AND h.tombstone IS NULL"
        )
        row = wrapper.connection.execute(sql, (ns, checkpoint_id, key)).fetchone()
        return row and ManifestRow._make([*row[:4], *_arrays(*row[4:])])

    def log_rows(
        self, wrapper: BaseDatabaseWrapper, head_id: int, logs: Sequence[int]
    ) -> list[LogRow]:
        """Return the item hashes of some logs, by log and position."""
        sql = (
            "SELECT log, pos, count, hash, hashes FROM checkpoints_log_item WHERE head_id = ?"
            f" AND log IN ({_marks(len(logs))}) ORDER BY log, pos"
        )
        return [LogRow(*row) for row in wrapper.connection.execute(sql, (head_id, *logs))]

    def headers(self, wrapper: BaseDatabaseWrapper, query: Query) -> list[Header]:
        """Return what metadata filters need."""
        where, params = selected(query, self.mark)
        sql = (
            "SELECT c.scope_id, c.checkpoint_id, c.step, c.source, c.run_id, c.meta"
            f" FROM checkpoints_checkpoint c {where}"
        )
        return [Header(*row) for row in wrapper.connection.execute(sql, params)]

    def fetch(
        self, wrapper: BaseDatabaseWrapper, query: Query, compressor: Compressor
    ) -> list[Record]:
        """Return checkpoints with their values and pending writes."""
        where, params = selected(query, self.mark)
        connection: sqlite3.Connection = wrapper.connection
        rows = connection.execute(_RECORD + where, params).fetchall()
        records = [Record(*(*row[:12], *_arrays(*row[12:]))) for row in rows]
        unpack = Unpacker(compressor)
        by_head = defaultdict(list)
        for record in records:
            record.writes = _writes_of(connection, record)
            by_head[record.head_id].append(record)
        for head_id, group in by_head.items():
            blobs = _blobs_of(connection, head_id, group, unpack)
            slices = _slices_of(connection, head_id, group, unpack)
            for record in group:
                record.blobs, record.slices = blobs, slices
        return records


def _arrays(refs: bytes, logs: bytes, lens: bytes) -> tuple[list[bytes], list[int], list[int]]:
    return split_hashes(refs), unpack_numbers("q", logs), unpack_numbers("i", lens)


def _place(connection: sqlite3.Connection, key: str, ns: str, scope_id: int | None) -> Accepted:
    sql = "SELECT id, gc_epoch FROM checkpoints_head WHERE key = ?"
    head_id, epoch = connection.execute(sql, (key,)).fetchone()
    if scope_id is None:
        sql = (
            "INSERT INTO checkpoints_scope (head_id, ns) VALUES (?, ?)"
            " ON CONFLICT (head_id, ns) DO NOTHING"
        )
        connection.execute(sql, (head_id, ns))
        sql = "SELECT id FROM checkpoints_scope WHERE head_id = ? AND ns = ?"
        (scope_id,) = connection.execute(sql, (head_id, ns)).fetchone()
    return Accepted(head_id, epoch, scope_id)


def _store_blobs(connection: sqlite3.Connection, head_id: int, blobs: list[BlobRow]) -> None:
    if blobs:
        connection.executemany(_BLOB, [(head_id, *blob) for blob in blobs])


def _checkpoint_row(accepted: Accepted, put: Put) -> tuple[Any, ...]:
    arrays = b"".join(put.refs), pack_numbers("q", put.logs), pack_numbers("i", put.lens)
    return (
        accepted.scope_id, put.checkpoint_id, put.parent_id, accepted.head_id, put.step,
        put.source, put.run_id, put.meta, put.body, *arrays, put.size,
    )  # fmt: skip


def _writes_of(connection: sqlite3.Connection, record: Record) -> list[StoredWrite]:
    sql = (
        "SELECT task_id, idx, path, channel, kind, hash, value FROM checkpoints_write"
        " WHERE scope_id = ? AND checkpoint_id = ?"
    )
    rows = connection.execute(sql, (record.scope_id, record.checkpoint_id))
    return [StoredWrite(*row) for row in rows]


def _blobs_of(
    connection: sqlite3.Connection, head_id: int, records: list[Record], unpack: Unpacker
) -> dict[bytes, tuple[str, bytes]]:
    wanted = {ref for record in records for ref in record.refs}
    wanted |= {write.hash for record in records for write in record.writes if write.hash}
    hashes, found = list(wanted), {}
    for start in range(0, len(hashes), _IN_CHUNK):
        chunk = hashes[start : start + _IN_CHUNK]
        sql = (
            "SELECT hash, codec, kind, data FROM checkpoints_blob WHERE head_id = ?"
            f" AND hash IN ({_marks(len(chunk))})"
        )
        for hash_, codec, kind, data in connection.execute(sql, (head_id, *chunk)):
            found[hash_] = (kind, unpack(head_id, hash_, codec, data))
    return found


def _slices_of(
    connection: sqlite3.Connection, head_id: int, records: list[Record], unpack: Unpacker
) -> dict[int, list[Slice]]:
    longest: dict[int, int] = {}
    for record in records:
        for log, length in zip(record.logs, record.lens, strict=True):
            longest[log] = max(length, longest.get(log, 0))
    sql = (
        "SELECT i.pos, i.count, i.hash, b.codec, b.data FROM checkpoints_log_item i"
        " JOIN checkpoints_blob b ON b.head_id = i.head_id AND b.hash = i.hash"
        " WHERE i.head_id = ? AND i.log = ? AND i.pos < ? ORDER BY i.pos"
    )
    return {
        log: [
            Slice(pos, count, unpack(head_id, hash_, codec, data))
            for pos, count, hash_, codec, data in connection.execute(sql, (head_id, log, length))
        ]
        for log, length in longest.items()
    }

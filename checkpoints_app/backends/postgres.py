"""The statements for PostgreSQL: one per call, so that a call is one round trip.

Every statement of a writable CTE sees the same snapshot, but an UPDATE or a FOR SHARE
that had to wait for the head row checks its condition again. The inserts therefore select
from that row: when the condition no longer holds they find nothing to insert.
"""

# ruff: noqa: S608  # Only constants are joined; every value is a bound parameter.
from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import TYPE_CHECKING, Any

import psycopg

from checkpoints_app.models.head import new_epoch

from .base import Backend
from .conditions import deletions, selected
from .rows import (
    Accepted,
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

# Locks of two numbers are apart from those of one.
_ITEMS_LOCK = 0x7468_7562
_KNOWN_SCOPE = "scope AS (SELECT %s::bigint AS id FROM head)"
_NEW_SCOPE = (
    "scope AS (INSERT INTO checkpoints_scope (head_id, ns) SELECT head.id, %s FROM head"
    " ON CONFLICT (head_id, ns) DO UPDATE SET ns = excluded.ns RETURNING id)"
)
_BLOBS = (
    ", blobs AS (INSERT INTO checkpoints_blob (head_id, hash, codec, kind, data)"
    " SELECT head.id, x.* FROM head,"
    " unnest(%s::bytea[], %s::smallint[], %s::text[], %s::bytea[]) AS x"
    " ON CONFLICT (head_id, hash) DO NOTHING)"
)
_ITEMS = (
    ", items AS (INSERT INTO checkpoints_log_item (head_id, log, pos, count, hash, hashes)"
    " SELECT head.id, x.* FROM head,"
    " unnest(%s::bigint[], %s::int[], %s::int[], %s::bytea[], %s::bytea[]) AS x)"
)
_CHECKPOINT = (
    ", checkpoint AS (INSERT INTO checkpoints_checkpoint (scope_id, checkpoint_id, parent_id,"
    " seq, step, source, run_id, meta, body, refs, logs, lens, size)"
    " SELECT scope.id, %s::bytea, %s::bytea, head.seq, %s::int, %s::text, %s::bytea, %s::bytea,"
    " %s::bytea, %s::bytea[], %s::bigint[], %s::int[], %s::int FROM head, scope"
    " ON CONFLICT (scope_id, checkpoint_id) DO UPDATE SET parent_id = excluded.parent_id,"
    " step = excluded.step, source = excluded.source, run_id = excluded.run_id,"
    " meta = excluded.meta, body = excluded.body, refs = excluded.refs, logs = excluded.logs,"
    " lens = excluded.lens, size = excluded.size)"
)
_WRITES = (
    ", writes AS (INSERT INTO checkpoints_write (scope_id, checkpoint_id, task_id, path, idx,"
    " channel, kind, hash, value)"
    " SELECT scope.id, %s::bytea, %s::bytea, %s::text, x.* FROM scope,"
    " unnest(%s::int[], %s::text[], %s::text[], %s::bytea[], %s::bytea[]) AS x"
    " ON CONFLICT (scope_id, checkpoint_id, task_id, idx) DO "
)
_REPLACE = (
    "UPDATE SET path = excluded.path, channel = excluded.channel, kind = excluded.kind,"
    " hash = excluded.hash, value = excluded.value"
)
_ACCEPTED = " SELECT head.id, head.gc_epoch, scope.id FROM head, scope"
_RECORD = (
    "SELECT h.id, h.gc_epoch, h.key, s.ns, c.scope_id, c.checkpoint_id, c.parent_id, c.step,"
    " c.source, c.run_id, c.meta, c.body, c.refs, c.logs, c.lens,"
    " w.tasks, w.idxs, w.paths, w.channels, w.kinds, w.hashes, w.vals,"
    " b.hashes, b.codecs, b.kinds, b.datas,"
    " i.logs, i.poss, i.counts, i.hashes, i.codecs, i.datas"
    " FROM (SELECT c.* FROM checkpoints_checkpoint c {where}) c"
    " JOIN checkpoints_scope s ON s.id = c.scope_id"
    " JOIN checkpoints_head h ON h.id = s.head_id"
    " LEFT JOIN LATERAL (SELECT array_agg(w.task_id) AS tasks, array_agg(w.idx) AS idxs,"
    " array_agg(w.path) AS paths, array_agg(w.channel) AS channels, array_agg(w.kind) AS kinds,"
    " array_agg(w.hash) AS hashes, array_agg(w.value) AS vals FROM checkpoints_write w"
    " WHERE w.scope_id = c.scope_id AND w.checkpoint_id = c.checkpoint_id) w ON true"
    " LEFT JOIN LATERAL (SELECT array_agg(b.hash) AS hashes, array_agg(b.codec) AS codecs,"
    " array_agg(b.kind) AS kinds, array_agg(b.data) AS datas FROM checkpoints_blob b"
    " WHERE b.head_id = h.id AND b.hash = ANY(c.refs || w.hashes)) b ON true"
    " LEFT JOIN LATERAL (SELECT array_agg(i.log) AS logs, array_agg(i.pos) AS poss,"
    " array_agg(i.count) AS counts, array_agg(i.hash) AS hashes, array_agg(i.codec) AS codecs,"
    " array_agg(i.data) AS datas FROM unnest(c.logs, c.lens) AS x (log, len)"
    # OFFSET keeps the look-up per log, by the whole key.
    " CROSS JOIN LATERAL (SELECT i.log, i.pos, i.count, i.hash, b.codec, b.data"
    " FROM checkpoints_log_item i"
    " JOIN checkpoints_blob b ON b.head_id = i.head_id AND b.hash = i.hash"
    " WHERE i.head_id = h.id AND i.log = x.log AND i.pos < x.len OFFSET 0) i) i ON true"
    " ORDER BY c.checkpoint_id DESC, c.scope_id DESC"
)

# Every statement follows keys through indexes. Planning costs more than running, and a plan
# made while the tables were small must not outlive that.
_PLANNING = (
    "plan_cache_mode = force_generic_plan",
    "enable_seqscan = off",
    "enable_bitmapscan = off",
    "enable_hashjoin = off",
    "enable_mergejoin = off",
    "jit = off",
)


def _columns(rows: Sequence[Sequence[Any]], width: int) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(width)]


class PostgresBackend(Backend):
    """PostgreSQL: prepared statements with binary results on a few connections."""

    connections = 4
    mark = "%s"
    unavailable = (psycopg.OperationalError, psycopg.InterfaceError)

    def opened(self, wrapper: BaseDatabaseWrapper) -> None:
        """Prepare statements at first use, unless a transaction pooler is declared."""
        pooled = wrapper.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS", False)
        wrapper.connection.prepare_threshold = None if pooled else 0
        wrapper.connection.prepared_max = 200
        for setting in _PLANNING:
            wrapper.connection.execute(f"SET {setting}")

    def is_lost(self, wrapper: BaseDatabaseWrapper) -> bool:
        """Tell whether the server or the network closed the connection."""
        return wrapper.connection is None or bool(
            wrapper.connection.closed or wrapper.connection.broken
        )

    def _run(self, wrapper: BaseDatabaseWrapper, sql: str, params: Sequence[Any]) -> Any:
        cursor = psycopg.Cursor(wrapper.connection)
        return cursor.execute(sql, params, binary=True)

    def transaction(self, wrapper: BaseDatabaseWrapper) -> AbstractContextManager[object]:
        """Open a transaction."""
        opened: AbstractContextManager[object] = wrapper.connection.transaction()
        return opened

    def rows(
        self, wrapper: BaseDatabaseWrapper, sql: str, params: Sequence[Any]
    ) -> list[tuple[Any, ...]]:
        """Run a statement and return its rows."""
        cursor = self._run(wrapper, sql, params)
        found: list[tuple[Any, ...]] = cursor.fetchall() if cursor.description else []
        return found

    def moment(self, value: datetime) -> Any:
        """Return the time itself."""
        return value

    def hold(self, wrapper: BaseDatabaseWrapper, guard: Guard) -> bool:
        """Lock the head against changes to the end of the transaction; False when refused."""
        condition, params = self.guard(guard)
        sql = f"SELECT 1 FROM checkpoints_head WHERE {condition} FOR SHARE"
        return bool(self.rows(wrapper, sql, params))

    def take_turns(self, wrapper: BaseDatabaseWrapper, owner: int) -> None:
        """Wait for the person's other changes: two orders of the same rows would deadlock."""
        self.rows(wrapper, "SELECT pg_advisory_xact_lock(%s, %s)", [_ITEMS_LOCK, owner % 2**31])

    def put(self, wrapper: BaseDatabaseWrapper, put: Put) -> Accepted | None:
        """Write a checkpoint; None when the guard refused. Raises Collision."""
        sql, params = self._advance(put)
        sql += ", " + (_NEW_SCOPE if put.scope_id is None else _KNOWN_SCOPE)
        params.append(put.ns if put.scope_id is None else put.scope_id)
        if put.blobs:
            sql += _BLOBS
            params += _columns(sorted(put.blobs), 4)
        if put.items:
            sql += _ITEMS
            params += _columns(put.items, 5)
        params += [
            put.checkpoint_id, put.parent_id, put.step, put.source, put.run_id, put.meta,
            put.body, put.refs, put.logs, put.lens, put.size,
        ]  # fmt: skip
        try:
            row = self._run(wrapper, sql + _CHECKPOINT + _ACCEPTED, params).fetchone()
        except psycopg.errors.UniqueViolation as error:
            raise Collision from error
        return row and Accepted(*row)

    def _advance(self, put: Put) -> tuple[str, list[Any]]:
        changes = "seq = seq + 1, bytes = bytes + %s, updated_at = now()"
        params: list[Any] = [put.size]
        if put.head_checkpoint is not None:
            changes += ", checkpoint_id = %s, step = %s"
            params += [put.head_checkpoint, put.step]
        condition, values = self.guard(put.guard)
        sql = (
            f"WITH head AS (UPDATE checkpoints_head SET {changes} WHERE {condition}"
            " RETURNING id, seq, gc_epoch)"
        )
        return sql, params + values

    def put_writes(self, wrapper: BaseDatabaseWrapper, put: PutWrites) -> Accepted | None:
        """Write pending writes; None when the guard refused."""
        condition, params = self.guard(put.guard)
        sql = (
            "WITH head AS (SELECT id, gc_epoch FROM checkpoints_head"
            f" WHERE {condition} FOR SHARE), "
        )
        sql += _NEW_SCOPE if put.scope_id is None else _KNOWN_SCOPE
        params.append(put.ns if put.scope_id is None else put.scope_id)
        if put.blobs:
            sql += _BLOBS
            params += _columns(sorted(put.blobs), 4)
        sql += _WRITES + (_REPLACE if put.replace else "NOTHING") + ")"
        params += [put.checkpoint_id, put.task_id, put.path, *_columns(put.rows, 5)]
        row = self._run(wrapper, sql + _ACCEPTED, params).fetchone()
        return row and Accepted(*row)

    def delete(self, wrapper: BaseDatabaseWrapper, guard: Guard) -> bool:
        """Bury the head and delete its rows; False when the guard refused."""
        condition, params = self.guard(guard)
        bury = (
            "UPDATE checkpoints_head SET fence = fence + (tombstone IS NULL)::int, held = false,"
            " tombstone = COALESCE(tombstone, now()), gc_epoch = %s, checkpoint_id = NULL,"
            " step = NULL, bytes = 0, updated_at = now()"
            f" WHERE ({condition}) OR (key = %s AND tombstone IS NOT NULL) RETURNING id"
        )
        # Statements of their own: only a later snapshot sees what a put that held the
        # head row has committed meanwhile.
        with wrapper.connection.transaction():
            row = self._run(wrapper, bury, [new_epoch(), *params, guard.key]).fetchone()
            if row is None:
                return False
            for statement in deletions(self.mark):
                self._run(wrapper, statement, [row[0]])
        return True

    def create_head(self, wrapper: BaseDatabaseWrapper, key: str) -> None:
        """Insert a head unless it exists."""
        sql = (
            "INSERT INTO checkpoints_head (key, seq, fence, held, gc_epoch, tier, bytes,"
            " updated_at) VALUES (%s, 0, 0, false, %s, 'hot', 0, now())"
            " ON CONFLICT (key) DO NOTHING"
        )
        self._run(wrapper, sql, [key, new_epoch()])

    def head(self, wrapper: BaseDatabaseWrapper, key: str) -> HeadState | None:
        """Return the state of a head."""
        sql = (
            "SELECT fence, held, tombstone IS NOT NULL, gc_epoch FROM checkpoints_head"
            " WHERE key = %s"
        )
        row = self._run(wrapper, sql, [key]).fetchone()
        return row and HeadState(*row)

    def manifest(
        self, wrapper: BaseDatabaseWrapper, key: str, ns: str, checkpoint_id: bytes
    ) -> ManifestRow | None:
        """Return a checkpoint's references."""
        sql = (
            "SELECT h.id, h.gc_epoch, s.id, c.body, c.refs, c.logs, c.lens FROM checkpoints_head h"
            " JOIN checkpoints_scope s ON s.head_id = h.id AND s.ns = %s"
            " JOIN checkpoints_checkpoint c ON c.scope_id = s.id AND c.checkpoint_id = %s"
            " WHERE h.key = %s AND h.tombstone IS NULL"
        )
        row = self._run(wrapper, sql, [ns, checkpoint_id, key]).fetchone()
        return row and ManifestRow(*row)

    def log_rows(
        self, wrapper: BaseDatabaseWrapper, head_id: int, logs: Sequence[int]
    ) -> list[LogRow]:
        """Return the item hashes of some logs, by log and position."""
        sql = (
            "SELECT log, pos, count, hash, hashes FROM checkpoints_log_item"
            " WHERE head_id = %s AND log = ANY(%s::bigint[]) ORDER BY log, pos"
        )
        return [LogRow(*row) for row in self._run(wrapper, sql, [head_id, list(logs)])]

    def headers(self, wrapper: BaseDatabaseWrapper, query: Query) -> list[Header]:
        """Return what metadata filters need."""
        where, params = selected(query, self.mark)
        sql = (
            "SELECT c.scope_id, c.checkpoint_id, c.step, c.source, c.run_id, c.meta"
            f" FROM checkpoints_checkpoint c {where}"
        )
        return [Header(*row) for row in self._run(wrapper, sql, params)]

    def fetch(
        self, wrapper: BaseDatabaseWrapper, query: Query, compressor: Compressor
    ) -> list[Record]:
        """Return checkpoints with their values and pending writes."""
        where, params = selected(query, self.mark)
        unpack = Unpacker(compressor)
        rows = self._run(wrapper, _RECORD.format(where=where), params)
        return [_record(row, unpack) for row in rows]


def _record(row: Sequence[Any], unpack: Unpacker) -> Record:
    record = Record(*row[:15])
    if row[15]:
        record.writes = [StoredWrite(*write) for write in zip(*row[15:22], strict=True)]
    if row[22]:
        record.blobs = {
            hash_: (kind, unpack(record.head_id, hash_, codec, data))
            for hash_, codec, kind, data in zip(*row[22:26], strict=True)
        }
    if row[26]:
        slices = defaultdict(list)
        for log, pos, count, hash_, codec, data in zip(*row[26:32], strict=True):
            slices[log].append(Slice(pos, count, unpack(record.head_id, hash_, codec, data)))
        for items in slices.values():
            items.sort()
        record.slices = dict(slices)
    return record

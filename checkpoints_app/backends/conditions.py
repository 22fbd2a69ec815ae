"""The WHERE clauses both databases share; every value is a bound parameter."""

# ruff: noqa: S608  # Only constants are joined; every value is a bound parameter.
from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .rows import Guard, Query

_SCOPE = (
    "SELECT s.id FROM checkpoints_scope s JOIN checkpoints_head h ON h.id = s.head_id"
    " WHERE h.tombstone IS NULL"
)

# What belongs to a head, in the order it may be deleted; the parameter is the head's id.
_OF_SCOPES = "scope_id IN (SELECT id FROM checkpoints_scope WHERE head_id = {mark})"
_OF_HEAD = "head_id = {mark}"
_BELONGING = (
    ("checkpoints_write", _OF_SCOPES),
    ("checkpoints_checkpoint", _OF_SCOPES),
    ("checkpoints_log_item", _OF_HEAD),
    ("checkpoints_blob", _OF_HEAD),
    ("checkpoints_scope", _OF_HEAD),
)


def deletions(mark: str) -> list[str]:
    """Return the statements that delete everything of a head."""
    return [
        f"DELETE FROM {table} WHERE {condition.format(mark=mark)}"
        for table, condition in _BELONGING
    ]


def guarded(guard: Guard, mark: str) -> tuple[str, list[Any]]:
    """Return the condition on the head row, and its parameters."""
    sql, params = f"key = {mark} AND tombstone IS NULL", [guard.key]
    if guard.fence is None:
        sql += " AND NOT held"
    else:
        sql += f" AND fence = {mark}"
        params.append(guard.fence)  # type: ignore[arg-type]
    if guard.epoch is not None:
        sql += f" AND gc_epoch = {mark}"
        params.append(guard.epoch)  # type: ignore[arg-type]
    return sql, params


def _scopes(query: Query, mark: str) -> tuple[str, list[Any]]:
    if query.pairs is not None:
        rows = ", ".join([f"({mark}, {mark})"] * len(query.pairs))
        params: list[Any] = [value for pair in query.pairs for value in pair]
        return f"(c.scope_id, c.checkpoint_id) IN (VALUES {rows})", params
    sql, params = _SCOPE, []
    if query.key is not None:
        sql += f" AND h.key = {mark}"
        params.append(query.key)
    if query.ns is not None:
        sql += f" AND s.ns = {mark}"
        params.append(query.ns)
    # One scope is compared with "=", so that the primary key gives the order for free.
    one = query.key is not None and query.ns is not None
    return f"c.scope_id {'=' if one else 'IN'} ({sql})", params


def selected(query: Query, mark: str) -> tuple[str, list[Any]]:
    """Return what follows `FROM checkpoints_checkpoint c`, and its parameters."""
    sql, params = _scopes(query, mark)
    for column, operator, value in (
        ("checkpoint_id", "=", query.checkpoint_id),
        ("checkpoint_id", "<", query.before),
        ("step", "=", query.step),
        ("source", "=", query.source),
        ("run_id", "=", query.run_id),
    ):
        if value is not None:
            sql += f" AND c.{column} {operator} {mark}"
            params.append(value)
    if query.after is not None:
        sql += f" AND (c.checkpoint_id, c.scope_id) < ({mark}, {mark})"
        params += query.after
    sql += " ORDER BY c.checkpoint_id DESC, c.scope_id DESC"
    if query.limit is not None:
        sql += f" LIMIT {mark}"
        params.append(query.limit)
    return f"WHERE {sql}", params

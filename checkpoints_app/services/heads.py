"""Heads as the run engine sees them, inside its own transactions on Django's connection."""

# ruff: noqa: S608  # Only constants are joined; every value is a bound parameter.
from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Count, F, IntegerField, Sum
from django.db.models.functions import Length

from checkpoints_app.backends.conditions import deletions
from checkpoints_app.models import Blob, Checkpoint, CheckpointHead, LogItem, Write
from checkpoints_app.models.head import new_epoch
from checkpoints_app.storage import checked_key
from threadhub.kernel import clock
from threadhub.kernel.errors import NotVisible

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.backends.utils import CursorWrapper


class HeadMissing(NotVisible):
    """There is no head with this number or key."""

    code = "head_missing"


@dataclass(frozen=True, slots=True)
class Usage:
    """What a thread takes up."""

    checkpoints: int = 0
    bytes: int = 0


def _cursor(using: str) -> CursorWrapper:
    return connections[using].cursor()


def ensure(*, key: str, using: str = DEFAULT_DB_ALIAS) -> CheckpointHead:
    """Return the head of a key, made if need be; a buried one lives again, fence raised.

    Raises BadAddress for a key that cannot be stored.
    """
    checked_key(key)
    insert = (
        "INSERT INTO checkpoints_head (key, seq, fence, held, gc_epoch, tier, bytes, updated_at)"
        " VALUES (%s, 0, 0, %s, %s, 'hot', 0, %s) ON CONFLICT (key) DO NOTHING"
    )
    revive = (
        "UPDATE checkpoints_head SET tombstone = NULL, fence = fence + 1, held = %s,"
        " gc_epoch = %s, updated_at = %s WHERE key = %s AND tombstone IS NOT NULL RETURNING id"
    )
    now = _adapted(clock.now(), using)
    with _cursor(using) as cursor:
        cursor.execute(insert, [key, False, new_epoch(), now])
        if not cursor.rowcount:
            cursor.execute(revive, [False, new_epoch(), now, key])
            revived = cursor.fetchone()
            # What was buried may not have been deleted yet, and must not come back.
            for statement in deletions("%s") if revived else ():
                cursor.execute(statement, revived)
    return CheckpointHead.objects.using(using).get(key=key)


def create_all(*, keys: Iterable[str]) -> list[CheckpointHead]:
    """Create the heads of keys that never were, in their order; see `ensure` for others."""
    return CheckpointHead.objects.bulk_create(CheckpointHead(key=checked_key(k)) for k in keys)


def raise_fence(*, head_id: int, held: bool, using: str = DEFAULT_DB_ALIAS) -> int:
    """Raise a head's fence and return it: whoever named the old one is refused from here on.

    The row stays locked to the end of the transaction. Raises HeadMissing.
    """
    sql = (
        "UPDATE checkpoints_head SET fence = fence + 1, held = %s, updated_at = %s"
        " WHERE id = %s RETURNING fence"
    )
    with _cursor(using) as cursor:
        cursor.execute(sql, [held, _adapted(clock.now(), using), head_id])
        row = cursor.fetchone()
    if row is None:
        raise HeadMissing(f"There is no head {head_id}.")
    return int(row[0])


def count_puts(*, head_id: int, using: str = DEFAULT_DB_ALIAS) -> int:
    """Return how many checkpoints were ever put; more than before means progress."""
    heads = CheckpointHead.objects.using(using).filter(pk=head_id)
    return heads.values_list("seq", flat=True).first() or 0


def hold(*, fences: Mapping[int, int], using: str = DEFAULT_DB_ALIAS) -> set[int]:
    """Lock, in ascending order, the heads whose fence still matches, and return their ids.

    On PostgreSQL the rows stay locked for others' changes to the end of the transaction;
    on SQLite the transaction itself keeps other writers out.
    """
    if not fences:
        return set()
    marks = ", ".join(["(%s, %s)"] * len(fences))
    sql = (
        "SELECT id FROM checkpoints_head WHERE tombstone IS NULL"
        f" AND (id, fence) IN (VALUES {marks}) ORDER BY id"
    )
    if connections[using].vendor == "postgresql":
        sql += " FOR SHARE"
    with _cursor(using) as cursor:
        cursor.execute(sql, [number for pair in sorted(fences.items()) for number in pair])
        return {row[0] for row in cursor.fetchall()}


def bury(*, key: str, now: datetime, using: str = DEFAULT_DB_ALIAS) -> None:
    """Set the tombstone and raise the fence, so that nothing is written any more.

    The rows are deleted afterwards by the saver's `delete_thread`. Burying twice, or a key
    that never was, changes nothing.
    """
    sql = (
        "UPDATE checkpoints_head SET tombstone = %s, fence = fence + 1, held = %s, updated_at = %s"
        " WHERE key = %s AND tombstone IS NULL"
    )
    moment = _adapted(now, using)
    with _cursor(using) as cursor:
        cursor.execute(sql, [moment, False, moment, key])


def has_run(*, key: str, run_id: str, using: str = DEFAULT_DB_ALIAS) -> bool:
    """Tell whether the run wrote a checkpoint of the thread's root namespace."""
    return (
        Checkpoint.objects.using(using)
        .filter(scope__head__key=key, scope__ns="", run_id=str(run_id))
        .exists()
    )


def usage(*, keys: Collection[str], using: str = DEFAULT_DB_ALIAS) -> dict[str, Usage]:
    """Return checkpoints and bytes of each key, summed without reading a value.

    Makes five queries; bytes are those of values, manifests and writes, without indexes.
    """
    found = dict.fromkeys(keys, Usage())
    heads = dict(CheckpointHead.objects.using(using).filter(key__in=keys).values_list("id", "key"))
    sizes = dict.fromkeys(heads, 0)
    counts = dict.fromkeys(heads, 0)
    per_head = Checkpoint.objects.using(using).filter(scope__head__in=heads)
    for head_id, count in per_head.values_list("scope__head").annotate(Count("seq")):
        counts[head_id] = count
    for head_id, size in _sizes(list(heads), using):
        sizes[head_id] += size or 0
    for head_id, key in heads.items():
        found[key] = Usage(counts[head_id], sizes[head_id])
    return found


def _sizes(heads: list[int], using: str) -> list[tuple[int, int]]:
    number = IntegerField()
    sums: list[tuple[int, int]] = []
    for model, path, columns in (
        (Blob, "head", ("data",)),
        (LogItem, "head", ("hash", "hashes")),
        (Checkpoint, "scope__head", ("body",)),
        (Write, "scope__head", ("value",)),
    ):
        total: Any = sum(Sum(Length(F(column)), output_field=number) for column in columns)
        rows = model.objects.using(using).filter(**{f"{path}__in": heads})
        sums += rows.values_list(path).annotate(total=total)
    return sums


def _adapted(moment: datetime, using: str) -> Any:
    return connections[using].ops.adapt_datetimefield_value(moment)

"""The catalogue of checkpoints, for lists: no state is decoded."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import DEFAULT_DB_ALIAS

from .models import Checkpoint

_GREGORIAN = datetime(1582, 10, 15, tzinfo=UTC)
_TIME_ORDERED = 6


@dataclass(frozen=True, slots=True)
class CheckpointRow:
    """A checkpoint as a list shows it; `bytes` is what it added to the store."""

    checkpoint_id: str
    parent_id: str | None
    ns: str
    step: int | None
    source: str | None
    run_id: str | None
    created: datetime | None
    bytes: int


def history(
    *,
    key: str,
    ns: str = "",
    before: str | None = None,
    limit: int = 50,
    using: str = DEFAULT_DB_ALIAS,
) -> list[CheckpointRow]:
    """Return a thread's checkpoints of one namespace, newest first, in one query."""
    rows = Checkpoint.objects.using(using).filter(
        scope__head__key=key, scope__head__tombstone=None, scope__ns=ns
    )
    if before is not None:
        rows = rows.filter(checkpoint_id__lt=before)
    # The field's own type says bytes; it hands out text.
    values: Any = rows.order_by("-checkpoint_id").values_list(
        "checkpoint_id", "parent_id", "step", "source", "run_id", "size"
    )
    return [
        CheckpointRow(
            checkpoint_id, parent_id, ns, step, source, run_id, created_at(checkpoint_id), size
        )
        for checkpoint_id, parent_id, step, source, run_id, size in values[:limit]
    ]


def created_at(checkpoint_id: str) -> datetime | None:
    """Return the time in a time-ordered id, None for ids of other kinds."""
    try:
        parsed = uuid.UUID(checkpoint_id)
    except ValueError:
        return None
    if parsed.version != _TIME_ORDERED:
        return None
    ticks = (parsed.int >> 80 << 12) | (parsed.int >> 64 & 0xFFF)
    return _GREGORIAN + timedelta(microseconds=ticks // 10)

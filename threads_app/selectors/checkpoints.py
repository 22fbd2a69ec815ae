"""The catalogue of a thread's checkpoints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from checkpoints_app import selectors as store
from checkpoints_app.services import inspecting
from threads_app.models import Run, Thread

CheckpointRow = store.CheckpointRow
Outline = inspecting.Outline


def history(thread: Thread, *, before: str = "", limit: int) -> list[CheckpointRow]:
    """Return the checkpoints of the root namespace, newest first; no state is decoded."""
    return store.history(key=thread.public_id, before=before or None, limit=limit)


def runs_of(rows: Sequence[CheckpointRow | Outline], *, user: Any) -> dict[str, Run]:
    """Return the visible runs that wrote these checkpoints, by run id; 1 query."""
    written = {parsed for row in rows if (parsed := _parsed(row.run_id)) is not None}
    found = Run.objects.visible_to(user, "view").filter(public_id__in=written)
    return {str(run.public_id): run for run in found.only("public_id")}


def _parsed(run_id: str | None) -> UUID | None:
    # Scripts that use the saver without the engine may name runs as they like.
    try:
        return UUID(run_id or "")
    except ValueError:
        return None

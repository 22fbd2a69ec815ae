"""What threads and runs take up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checkpoints_app import selectors as store
from checkpoints_app.services import heads

if TYPE_CHECKING:
    from threads_app.models import Run, Thread

LOOKED_AT = 1000
Usage = heads.Usage


def of_thread(thread: Thread) -> Usage:
    """Return the checkpoints and bytes of a thread, those of its subgraphs included."""
    return heads.usage(keys=[thread.public_id])[thread.public_id]


def steps_of(run: Run) -> int:
    """Return how many of the thread's latest 1 000 steps the run completed; 1 query.

    Steps of subgraphs count as part of the step they belong to.
    """
    rows = store.history(key=run.thread.public_id, limit=LOOKED_AT)
    return sum(1 for row in rows if row.run_id == str(run.public_id) and _is_step(row))


def _is_step(row: store.CheckpointRow) -> bool:
    # Step 0 only takes the input in; updates and forks come from people.
    return row.source == "loop" and row.step != 0

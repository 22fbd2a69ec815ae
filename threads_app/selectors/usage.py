"""What threads and runs take up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import Count, DurationField, ExpressionWrapper, F, IntegerField, Q, Sum
from django.db.models.fields.json import KT
from django.db.models.functions import Cast

from checkpoints_app import selectors as store
from checkpoints_app.models import Checkpoint
from checkpoints_app.services import heads

if TYPE_CHECKING:
    from threads_app.models import Run, Thread

LOOKED_AT = 1000
Usage = heads.Usage


@dataclass(frozen=True, slots=True)
class Work:
    """What the runs of a thread come to; `active` are those under way or waiting their turn."""

    runs: int
    active: int
    seconds: float
    tokens: int


def of_thread(thread: Thread) -> Usage:
    """Return the checkpoints and bytes of a thread, those of its subgraphs included."""
    return heads.usage(keys=[thread.public_id])[thread.public_id]


def stored_of(thread: Thread) -> Usage:
    """Return the checkpoints of a thread and the bytes they added, for a page's head; 2 queries.

    Unlike `of_thread` it sums no sizes: the head keeps them as they come.
    """
    kept = Checkpoint.objects.filter(scope__head=thread.head_id)
    return Usage(kept.count(), thread.head.bytes)


def work_of(thread: Thread) -> Work:
    """Return what the thread's runs took and used; 1 query."""
    took = ExpressionWrapper(F("finished_at") - F("started_at"), output_field=DurationField())
    tokens = Cast(KT("usage__total_tokens"), IntegerField())
    found = thread.runs.aggregate(
        runs=Count("pk"),
        active=Count("pk", filter=Q(status__in=["pending", "running"])),
        seconds=Sum(took),
        tokens=Sum(tokens),
    )
    seconds = (found["seconds"] or timedelta(0)).total_seconds()
    return Work(found["runs"], found["active"], seconds, found["tokens"] or 0)


def steps_of(run: Run) -> int:
    """Return how many of the thread's latest 1 000 steps the run completed; 1 query.

    Steps of subgraphs count as part of the step they belong to.
    """
    rows = store.history(key=run.thread.public_id, limit=LOOKED_AT)
    return sum(1 for row in rows if row.run_id == str(run.public_id) and _is_step(row))


def _is_step(row: store.CheckpointRow) -> bool:
    # Step 0 only takes the input in; updates and forks come from people.
    return row.source == "loop" and row.step != 0

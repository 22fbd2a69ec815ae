"""Questions about runs."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings

from threadhub.kernel import hinting
from threads_app.models import Run


def next_due(*, thread_id: int) -> int | None:
    """Return the key of the oldest run of the thread that a worker may claim now."""
    return (
        Run.objects.claimable()
        .filter(thread_id=thread_id)
        .order_by("id")
        .values_list("id", flat=True)
        .first()
    )


def forgotten(*, now: datetime) -> list[int]:
    """Return the keys of up to 100 claimable runs whose hint seems lost, oldest first."""
    lost = Run.objects.claimable().filter(hinting.seems_lost(now=now)).order_by("id")
    return list(lost.values_list("id", flat=True)[: hinting.BATCH])


def unheeded(*, limit: int) -> list[int]:
    """Return up to `limit` runs that wait for longer than a lease lives, oldest first; 1 query."""
    if limit <= 0:
        return []
    waiting = Run.objects.unheeded(after=timedelta(seconds=settings.LEASE_SECONDS))
    return list(waiting.order_by("id").values_list("id", flat=True)[:limit])


def status_of(*, run_id: int) -> str | None:
    """Return the run's status, None when it is gone."""
    return Run.objects.filter(pk=run_id).values_list("status", flat=True).first()

"""What the tabs that follow runs share: which run is looked at, and what its nodes wait for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from threadhub.kernel import clock
from threads_app.models import Interrupt, Run
from threads_app.selectors import timelines
from threads_app.selectors.pictures import path_of

from .spans import Scale

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from django.http import HttpRequest

    from threads_app.models import Thread
    from threads_app.selectors.pictures import Picture, Step


@dataclass(frozen=True, slots=True)
class Followed:
    """One run, alone or with those it continues, as a picture on a scale."""

    run: Run
    ids: list[UUID]
    picture: Picture
    scale: Scale
    now: datetime


def follow(run: Run, *, with_earlier: bool) -> Followed:
    """Return the run's picture; 2 queries with what it continues, 1 without."""
    ids = timelines.chain(run) if with_earlier else [run.public_id]
    picture, now = timelines.picture(ids), clock.now()
    return Followed(run, ids, picture, Scale.of(picture, now=now), now)


def asked(request: HttpRequest, thread: Thread) -> dict[str, datetime]:
    """Return since when nodes wait for an answer, those around their subgraphs too; 1 query."""
    found: dict[str, datetime] = {}
    mine = Interrupt.objects.visible_to(request.user, "view").filter(thread=thread).open()
    for namespace, node, since in mine.values_list("namespace", "node", "created_at"):
        parts = (*path_of(namespace), node)
        for count in range(1, len(parts) + 1):
            found.setdefault(":".join(parts[:count]), since)
    return found


def answers(request: HttpRequest, thread: Thread, steps: list[Step]) -> dict[str, str]:
    """Return what became of the questions of some steps, by their id; 1 query where any asked."""
    ids = {question for step in steps for question in step.questions}
    if not ids:
        return {}
    mine = Interrupt.objects.visible_to(request.user, "view").filter(thread=thread)
    mine = mine.filter(interrupt_id__in=ids).order_by("id")
    looks = {"open": "waiting", "answered": "answered", "dropped": "dropped"}
    return {key: looks[status] for key, status in mine.values_list("interrupt_id", "status")}


def outcomes(request: HttpRequest, runs: Sequence[Run]) -> dict[int, str]:
    """Return what to say of each run: one that asked waits only while its question is open.

    1 query where any has asked.
    """
    asking = [run.pk for run in runs if run.status == Run.Status.INTERRUPTED]
    found: dict[int, set[str]] = {}
    if asking:
        mine = Interrupt.objects.visible_to(request.user, "view").filter(run__in=asking)
        for key, status in mine.values_list("run_id", "status"):
            found.setdefault(key, set()).add(status)
    return {run.pk: _outcome(run, found.get(run.pk, set())) for run in runs}


def _outcome(run: Run, questions: set[str]) -> str:
    if not questions or "open" in questions:
        return run.status
    return "answered" if "answered" in questions else "dropped"

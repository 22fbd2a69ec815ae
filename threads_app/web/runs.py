"""The tab *Runs* of a thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.urls import reverse

from threadhub.kernel import clock
from threadhub.kernel.rbac import access
from threads_app.models import Run
from threads_app.selectors import timelines

from . import following, spans
from .pages import ThreadPage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpRequest

    from threads_app.models import Thread

PAGE = 50
# Runs of the grid that says who failed where, and its nodes.
GRID_RUNS = 20
GRID_NODES = 30
UNSEEN = ("input", "command", "config", "context", "options", "metadata", "error_message")


class RunsPage(ThreadPage):
    """Threads, tab Runs: each with its outcome, and the nodes of the last ones in a grid."""

    tab = "runs"
    needs = "view"
    template = "threads/runs.html"

    def content(self, request: HttpRequest, thread: Thread) -> dict[str, Any]:
        """Return a page of runs, latest first; the address says before which."""
        is_told = access.can(request.user, "read", thread)
        timeline = reverse("admin:threads_app_thread_timeline", args=[thread.pk]) if is_told else ""
        runs = Run.objects.visible_to(request.user, "view").filter(thread=thread)
        runs = runs.select_related("actor").defer(*UNSEEN).order_by("-id")
        before = request.GET.get("before", "")
        if before.isdecimal():
            runs = runs.filter(pk__lt=int(before[:18]))
        found = list(runs[: PAGE + 1])
        page, now = found[:PAGE], clock.now()
        outcomes = following.outcomes(request, page)
        return {
            "is_told": is_told,
            "runs": [{**_shown(run, now, timeline), "outcome": outcomes[run.pk]} for run in page],
            "older": page[-1].pk if len(found) > PAGE else None,
            "is_later_page": before.isdecimal(),
            "grid": None if before else _grid(page[:GRID_RUNS], outcomes, timeline),
        }


def _shown(run: Run, now: Any, timeline: str) -> dict[str, Any]:
    ended = run.finished_at or (now if run.status == Run.Status.RUNNING else None)
    took = (ended - run.started_at).total_seconds() if ended and run.started_at else None
    return {
        "run": run,
        "took": took,
        "tokens": run.usage.get("total_tokens"),
        "timeline": f"{timeline}?run={run.pk}" if timeline else "",
    }


def _cell(
    run: Run, node: str, state: str, outcomes: Mapping[int, str], timeline: str
) -> dict[str, str]:
    if state == "waiting":
        state = outcomes[run.pk]
    query = urlencode({"run": run.pk, "zoom": "waterfall", "node": node})
    return {
        "state": state,
        "look": spans.look_of(state),
        "word": spans.word_of(state),
        "address": f"{timeline}?{query}" if timeline else "",
    }


def _grid(runs: list[Run], outcomes: Mapping[int, str], timeline: str) -> dict[str, Any] | None:
    """Return how each node ended in each of the last runs, oldest first; 1 query."""
    begun = [run for run in runs if run.started_at][::-1]
    if len(begun) < 2:
        return None
    ended = timelines.nodes_of([run.public_id for run in begun])
    names = list(dict.fromkeys(name for run in begun for name in ended.get(run.public_id, {})))
    rows = [
        {
            "name": name,
            "cells": [
                _cell(run, name, ended.get(run.public_id, {}).get(name, ""), outcomes, timeline)
                for run in begun
            ],
        }
        for name in names[:GRID_NODES]
    ]
    return {"runs": begun, "rows": rows, "hidden": max(0, len(names) - GRID_NODES)}

"""The tab *Runs* of a thread."""

from __future__ import annotations

from .pages import ThreadPage


class RunsPage(ThreadPage):
    """Threads, tab Runs."""

    tab = "runs"
    needs = "view"
    template = "threads/runs.html"

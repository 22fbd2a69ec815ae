"""The tab *Timeline* of a thread."""

from __future__ import annotations

from .pages import ThreadPage


class TimelinePage(ThreadPage):
    """Threads, tab Timeline."""

    tab = "timeline"
    needs = "read"
    template = "threads/timeline.html"

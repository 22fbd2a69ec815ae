"""The tab *Live* of a thread."""

from __future__ import annotations

from .pages import ThreadPage


class LivePage(ThreadPage):
    """Threads, tab Live."""

    tab = "live"
    needs = "view"
    template = "threads/live.html"

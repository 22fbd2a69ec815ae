"""The tab *Access* of a thread."""

from __future__ import annotations

from .pages import ThreadPage


class AccessPage(ThreadPage):
    """Threads, tab Access."""

    tab = "access"
    needs = "view"
    template = "threads/access.html"

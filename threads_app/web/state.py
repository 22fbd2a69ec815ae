"""The tab *State* of a thread."""

from __future__ import annotations

from .pages import ThreadPage


class StatePage(ThreadPage):
    """Threads, tab State."""

    tab = "state"
    needs = "read"
    template = "threads/state.html"

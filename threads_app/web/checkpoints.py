"""The tab *Checkpoints* of a thread."""

from __future__ import annotations

from .pages import ThreadPage


class CheckpointsPage(ThreadPage):
    """Threads, tab Checkpoints."""

    tab = "checkpoints"
    needs = "read"
    template = "threads/checkpoints.html"

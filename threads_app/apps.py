"""The app of graphs, threads, runs and interrupts."""

from __future__ import annotations

from django.apps import AppConfig


class ThreadsConfig(AppConfig):
    """Threads and everything that happens on them."""

    name = "threads_app"
    verbose_name = "Threads"

    def ready(self) -> None:
        """Declare what is audited, who reacts to events, what is checked, asked for, watched."""
        from threads_app import audit, realtime, subscribers  # noqa: F401
        from threads_app.runtime import checks, duties  # noqa: F401
        from threads_app.services import operations  # noqa: F401

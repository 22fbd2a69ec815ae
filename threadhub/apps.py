"""The project's own app, and which admin site Django uses."""

from __future__ import annotations

from django.apps import AppConfig


class ThreadHubConfig(AppConfig):
    """Tables of the kernel, and the wiring that needs every app loaded."""

    name = "threadhub"
    verbose_name = "ThreadHub"

    def ready(self) -> None:
        """Declare how each model of the kernel is recorded; connect to other processes."""
        from threadhub import audit  # noqa: F401
        from threadhub.kernel import realtime

        realtime.connect()

"""The project's own app, and which admin site Django uses."""

from __future__ import annotations

from django.apps import AppConfig


class ThreadHubConfig(AppConfig):
    """Tables of the kernel, and the wiring that needs every app loaded."""

    name = "threadhub"
    verbose_name = "ThreadHub"

    def ready(self) -> None:
        """Declare how the kernel's models are recorded, and what coordination reacts to."""
        from threadhub import audit  # noqa: F401
        from threadhub.coordination import duties, guards, subscribers  # noqa: F401

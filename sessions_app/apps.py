"""The app of sessions."""

from __future__ import annotations

from django.apps import AppConfig


class SessionsConfig(AppConfig):
    """Sessions, the threads that belong to them, their dependencies and plans."""

    name = "sessions_app"
    verbose_name = "Sessions"

    def ready(self) -> None:
        """Declare what is audited."""
        from sessions_app import audit  # noqa: F401

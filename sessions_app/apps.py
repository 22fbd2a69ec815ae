"""The app of sessions."""

from __future__ import annotations

from django.apps import AppConfig


class SessionsConfig(AppConfig):
    """Sessions, associations, dependencies and plans live here; none exist yet."""

    name = "sessions_app"
    verbose_name = "Sessions"

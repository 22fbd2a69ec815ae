"""The app that stores what graphs remember."""

from __future__ import annotations

from django.apps import AppConfig


class CheckpointsConfig(AppConfig):
    """Checkpoint storage: heads, manifests, blobs, list logs and pending writes."""

    name = "checkpoints_app"
    label = "checkpoints_app"
    verbose_name = "Checkpoints"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Declare how the store's tables are recorded, and what the tick does for them."""
        from checkpoints_app import audit  # noqa: F401
        from checkpoints_app.services import items  # noqa: F401

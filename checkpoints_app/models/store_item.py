"""What a person's graphs remember across threads."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from checkpoints_app.querysets import StoreItemQuerySet
from threadhub.kernel.models import JsonText

from .labels import KeyField, NamespaceField


class StoreItem(models.Model):
    """One item of LangGraph's store, in the memory of the person who owns it.

    stored -> expired (no longer read) -> deleted by the sweep; storing it anew begins again.
    """

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    namespace = NamespaceField()
    key = KeyField()
    value = JsonText()
    # Minutes; null: never expires.
    ttl_minutes = models.FloatField(null=True)
    expires_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    objects = models.Manager.from_queryset(StoreItemQuerySet)()

    class Meta:
        db_table = "checkpoints_store_item"
        constraints = [
            # Also finds the items below a namespace: a range of its bytes.
            models.UniqueConstraint(fields=["owner", "namespace", "key"], name="store_item_place"),
        ]
        indexes = [
            # The sweep's scan.
            models.Index(
                fields=["expires_at"],
                condition=models.Q(expires_at__isnull=False),
                name="store_item_expiry",
            ),
        ]

    def __str__(self) -> str:
        # Namespaces and keys name people; entries about items say them where they are masked.
        return f"item {self.pk}"

"""The audit table."""

from __future__ import annotations

from typing import Any

from auditlog.models import AbstractLogEntry
from django.conf import settings
from django.db import models

from threadhub.kernel.observability import correlation

from .context import current_actor


class AuditEntry(AbstractLogEntry):
    """One act, or one change of a recorded model. Rows outlive the people and models they name."""

    content_type = models.ForeignKey(
        "contenttypes.ContentType",
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        null=True,
        related_name="+",
    )
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        null=True,
        blank=True,
        related_name="+",
    )
    model_label = models.CharField(max_length=100, blank=True, default="")
    actor_label = models.CharField(max_length=150, blank=True, default="")
    act = models.CharField(max_length=60, blank=True, default="")
    outcome = models.CharField(max_length=20, default="done")
    reason = models.CharField(max_length=500, blank=True, default="")
    address = models.GenericIPAddressField(null=True, blank=True)
    agent = models.CharField(max_length=200, blank=True, default="")
    request_id = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        db_table = "threadhub_audit_entry"
        verbose_name_plural = "audit entries"
        ordering = ()
        get_latest_by = "timestamp"
        indexes = [
            # The trail of one object, newest first.
            models.Index(
                fields=["model_label", "object_pk", "-timestamp"], name="audit_entry_object"
            ),
            # What one person did, newest first.
            models.Index(fields=["actor", "-timestamp"], name="audit_entry_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.act} {self.model_label} {self.object_pk}"

    def complete(self) -> None:
        """Fill in who acts, and what auditlog leaves out of its entries of field changes."""
        actor = current_actor()
        self.actor_id = actor.user_id
        self.actor_label = actor.label[:150]
        self.address = actor.address
        self.agent = actor.agent[:200]
        self.request_id = correlation.client_id()
        if not self.act:
            verb = {0: "created", 1: "changed", 2: "deleted", 3: "read"}[self.action]
            self.model_label = self.content_type.model if self.content_type else ""
            self.act = f"{self.model_label}.{verb}"


def _complete(instance: AuditEntry, **_: Any) -> None:
    instance.complete()


models.signals.pre_save.connect(_complete, sender=AuditEntry, dispatch_uid="threadhub.audit")

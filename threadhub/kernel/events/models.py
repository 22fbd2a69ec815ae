"""The outbox."""

from __future__ import annotations

from django.db import models

from threadhub.kernel.models import JsonText, RecordedManager


class OutboxEvent(models.Model):
    """An event on its way to its subscribers; the row goes when all have seen it."""

    kind = models.CharField(max_length=60)
    payload = JsonText()
    correlation_id = models.CharField(max_length=64, blank=True, default="")
    created_at = models.DateTimeField()
    attempts = models.IntegerField(default=0)
    # The relay's queue; on_commit delivers long before this time comes.
    due_at = models.DateTimeField(db_index=True)

    objects = RecordedManager()

    class Meta:
        db_table = "threadhub_outbox_event"

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

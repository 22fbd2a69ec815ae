"""What a task wrote before its step was sealed by a checkpoint."""

from __future__ import annotations

from django.db import models

from .fields import IdField
from .scope import Scope


class Write(models.Model):
    """One pending write. It may arrive before its checkpoint, so nothing ties the two."""

    pk = models.CompositePrimaryKey("scope_id", "checkpoint_id", "task_id", "idx")
    scope = models.ForeignKey(
        Scope,
        on_delete=models.DO_NOTHING,
        related_name="writes",
        db_constraint=False,
        db_index=False,
    )
    checkpoint_id = IdField()
    task_id = IdField()
    idx = models.IntegerField()
    path = models.TextField()
    channel = models.TextField()
    kind = models.TextField()
    hash = models.BinaryField(null=True)
    value = models.BinaryField(null=True)

    class Meta:
        db_table = "checkpoints_write"

    def __str__(self) -> str:
        return self.channel

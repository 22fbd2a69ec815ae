"""A value of a thread, stored once under its hash."""

from __future__ import annotations

from django.db import models

from .head import CheckpointHead


class Blob(models.Model):
    """One encoded value, compressed as `codec` says; equal values of a thread share it."""

    pk = models.CompositePrimaryKey("head_id", "hash")
    head = models.ForeignKey(
        CheckpointHead,
        on_delete=models.DO_NOTHING,
        related_name="blobs",
        db_constraint=False,
        db_index=False,
    )
    hash = models.BinaryField()
    codec = models.SmallIntegerField()
    kind = models.TextField()
    data = models.BinaryField()

    class Meta:
        db_table = "checkpoints_blob"

    def __str__(self) -> str:
        return bytes(self.hash).hex()

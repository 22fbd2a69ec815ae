"""A value of a thread, stored once under its hash."""

from __future__ import annotations

from django.db import models

from .head import CheckpointHead


class Blob(models.Model):
    """One encoded value, compressed as `codec` says; equal values of a thread share it."""

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
        constraints = [
            models.UniqueConstraint(fields=["head", "hash"], name="checkpoints_blob_hash")
        ]

    def __str__(self) -> str:
        return bytes(self.hash).hex()

"""Append logs of list channels: a list version is a few slices of logs."""

from __future__ import annotations

from django.db import models

from .head import CheckpointHead


class LogItem(models.Model):
    """A run of `count` list elements at `pos` of a log; logs exist only as their items.

    `hashes` holds the hash of each element and is empty for a single one, whose hash is
    the blob's own. Log numbers are drawn at random by the writer.
    """

    pk = models.CompositePrimaryKey("head_id", "log", "pos")
    head = models.ForeignKey(
        CheckpointHead,
        on_delete=models.DO_NOTHING,
        related_name="log_items",
        db_constraint=False,
        db_index=False,
    )
    log = models.BigIntegerField()
    pos = models.IntegerField()
    count = models.IntegerField()
    hash = models.BinaryField()
    hashes = models.BinaryField()

    class Meta:
        db_table = "checkpoints_log_item"

    def __str__(self) -> str:
        return f"{self.log}@{self.pos}"

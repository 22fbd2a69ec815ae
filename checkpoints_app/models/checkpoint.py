"""A checkpoint: the manifest that names the values of one moment."""

from __future__ import annotations

from django.db import models

from .fields import BigIntArray, HashArray, IdField, IntArray
from .scope import Scope


class Checkpoint(models.Model):
    """One snapshot: versions in `body`, values as references to blobs and list logs.

    `refs` are blob hashes; `logs` and `lens` are slices of list logs. They stand in the
    open so that reading joins on them and collection decodes nothing.
    """

    pk = models.CompositePrimaryKey("scope_id", "checkpoint_id")
    # The constraint would cost a look-up per put; rows of a thread are deleted by range.
    scope = models.ForeignKey(
        Scope,
        on_delete=models.DO_NOTHING,
        related_name="checkpoints",
        db_constraint=False,
        db_index=False,
    )
    checkpoint_id = IdField()
    parent_id = IdField(null=True)
    seq = models.BigIntegerField()
    step = models.IntegerField(null=True)
    source = models.TextField(null=True)  # noqa: DJ001  # absent is not empty
    run_id = IdField(null=True)
    meta = models.BinaryField(null=True)
    body = models.BinaryField()
    refs = HashArray()
    logs = BigIntArray()
    lens = IntArray()
    size = models.IntegerField(default=0)

    class Meta:
        db_table = "checkpoints_checkpoint"
        indexes = [
            # Which checkpoints did this run write?
            models.Index(
                fields=["run_id"],
                name="checkpoints_checkpoint_run",
                condition=models.Q(run_id__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return str(self.checkpoint_id)

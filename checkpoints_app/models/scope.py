"""A namespace of a thread: its own state, or that of one subgraph call."""

from __future__ import annotations

from django.db import models

from .head import CheckpointHead


class Scope(models.Model):
    """One checkpoint namespace of a thread; the root namespace is empty."""

    head = models.ForeignKey(
        CheckpointHead, on_delete=models.DO_NOTHING, related_name="scopes", db_index=False
    )
    ns = models.TextField()

    class Meta:
        db_table = "checkpoints_scope"
        constraints = [models.UniqueConstraint(fields=["head", "ns"], name="checkpoints_scope_ns")]

    def __str__(self) -> str:
        return self.ns

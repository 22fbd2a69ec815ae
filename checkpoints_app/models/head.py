"""The head: one row per thread of state."""

from __future__ import annotations

import secrets

from django.db import models

KEY_MAX_LENGTH = 255


def new_epoch() -> int:
    """Return a random cache epoch, so that a head made anew never matches old caches."""
    return secrets.randbits(62)


class CheckpointHead(models.Model):
    """The newest checkpoint of a thread and the fence that guards its writes.

    alive -> buried (tombstone set, rows deleted) -> alive again with a higher fence
    """

    class Tier(models.TextChoices):
        """Where the checkpoints of a thread live."""

        HOT = "hot"
        WARM = "warm"
        COLD = "cold"

    key = models.CharField(max_length=KEY_MAX_LENGTH, unique=True)
    checkpoint_id = models.TextField(null=True)  # noqa: DJ001  # an empty id is a valid id
    step = models.IntegerField(null=True)
    seq = models.BigIntegerField(default=0)
    fence = models.BigIntegerField(default=0)
    held = models.BooleanField(default=False)
    gc_epoch = models.BigIntegerField(default=new_epoch)
    tier = models.CharField(max_length=8, choices=Tier, default=Tier.HOT)
    bytes = models.BigIntegerField(default=0)
    tombstone = models.DateTimeField(null=True)
    key_id = models.CharField(max_length=64, null=True)  # noqa: DJ001  # null: not encrypted
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "checkpoints_head"

    def __str__(self) -> str:
        return self.key

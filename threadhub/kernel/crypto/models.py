"""What the database remembers of the keys it was written with."""

from __future__ import annotations

from django.db import models

from threadhub.kernel.models import RecordedManager


class KeyCheck(models.Model):
    """A key that was in use, and a known text that only this key opens."""

    key_id = models.CharField(max_length=32, unique=True)
    token = models.BinaryField()
    created_at = models.DateTimeField()

    objects = RecordedManager()

    class Meta:
        db_table = "threadhub_key_check"

    def __str__(self) -> str:
        return self.key_id

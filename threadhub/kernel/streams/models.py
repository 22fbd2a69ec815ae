"""The tables of the event logs."""

from __future__ import annotations

from django.db import models

from threadhub.kernel.models import JsonText, RecordedManager


class Stream(models.Model):
    """One ordered log; `last_seq` counts its events, `epoch` the times old ones were cut."""

    key = models.CharField(max_length=300, unique=True)
    last_seq = models.BigIntegerField(default=0)
    epoch = models.IntegerField(default=0)

    objects = RecordedManager()

    class Meta:
        db_table = "threadhub_stream"

    def __str__(self) -> str:
        return self.key


class StreamEvent(models.Model):
    """One event: `seq` is gap-free within its stream, in the order of the commits."""

    stream = models.ForeignKey(Stream, on_delete=models.CASCADE, related_name="events")
    seq = models.BigIntegerField()
    run_id = models.UUIDField(null=True)
    kind = models.CharField(max_length=60)
    payload = JsonText()
    at = models.DateTimeField()

    objects = RecordedManager()

    class Meta:
        db_table = "threadhub_stream_event"
        constraints = [
            models.UniqueConstraint(fields=["stream", "seq"], name="stream_event_seq_once"),
        ]
        indexes = [
            # One run's events in order.
            models.Index(
                fields=["run_id", "seq"],
                condition=models.Q(run_id__isnull=False),
                name="stream_event_run",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.stream_id}#{self.seq} {self.kind}"

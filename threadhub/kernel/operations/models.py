"""The tables of operations."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models

from threadhub.kernel.models import JsonText, RecordedManager

from .querysets import OperationQuerySet

ENDED = ("finished", "failed", "cancelled")

TRANSITIONS: dict[str, frozenset[str]] = {
    "pending": frozenset({"running", "cancelled"}),
    "running": frozenset({*ENDED, "pending"}),
    # Resumed by a person.
    **{state: frozenset({"pending"}) for state in ENDED},
}


class Operation(models.Model):
    """A job a person asked for; the row is the order to do it and the record of it.

    pending -> running -> finished | failed | cancelled; running -> pending (handed back, or
    its lease ended); pending -> cancelled; resumed: finished | failed | cancelled -> pending.

    Which end it comes to, the first that holds: `failed` when the job itself cannot be done
    or every item failed, `cancelled` when a person stopped it with items left, `finished`
    when all items are dealt with, be it that some failed.
    """

    class State(models.TextChoices):
        PENDING = "pending"
        RUNNING = "running"
        FINISHED = "finished"
        FAILED = "failed"
        CANCELLED = "cancelled"

    public_id = models.UUIDField(unique=True)
    stream = models.OneToOneField("threadhub.Stream", on_delete=models.PROTECT, related_name="+")

    # The order. The items were collected when it was made: `target` (key and label of one
    # object) and `filter` are what was asked, kept for the reader.
    kind = models.CharField(max_length=60)
    target = JsonText(null=True)
    filter = JsonText(null=True)
    arguments = JsonText(default=dict)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    reason = models.CharField(max_length=500, blank=True, default="")
    correlation_id = models.CharField(max_length=64, blank=True, default="")
    idempotency_key = models.CharField(max_length=255, null=True)  # noqa: DJ001  # null: unique
    request_digest = models.CharField(max_length=64, blank=True, default="")

    # The progress
    state = models.CharField(max_length=12, choices=State.choices, default=State.PENDING)
    total = models.IntegerField(default=0)
    done = models.IntegerField(default=0)
    failed = models.IntegerField(default=0)
    skipped = models.IntegerField(default=0)
    error = models.CharField(max_length=500, blank=True, default="")
    cancel_requested_at = models.DateTimeField(null=True)

    # The execution; times by the database's clock
    fence = models.BigIntegerField(default=0)
    worker = models.CharField(max_length=100, blank=True, default="")
    lease_until = models.DateTimeField(null=True)
    dispatched_at = models.DateTimeField(null=True)
    dispatch_count = models.IntegerField(default=0)
    # How often in a row the worker died without dealing with an item, and how many were
    # dealt with when it began.
    crashes = models.IntegerField(default=0)
    claimed_dealt = models.IntegerField(default=0)

    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects = models.Manager.from_queryset(OperationQuerySet)()

    class Meta:
        db_table = "threadhub_operation"
        constraints = [
            # One key, one operation, for each person.
            models.UniqueConstraint(
                fields=["asked_by", "idempotency_key"], name="operation_idempotency_key_once"
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=list(TRANSITIONS)), name="operation_state_known"
            ),
            # Whoever works on it can be told from whoever did before.
            models.CheckConstraint(
                condition=~models.Q(state="running")
                | models.Q(fence__gt=0, lease_until__isnull=False),
                name="operation_running_is_leased",
            ),
            # No item is counted twice.
            models.CheckConstraint(
                condition=models.Q(done__gte=0, failed__gte=0, skipped__gte=0)
                & models.Q(total__gte=models.F("done") + models.F("failed") + models.F("skipped")),
                name="operation_counts_add_up",
            ),
        ]
        indexes = [
            # A person's operations, newest first.
            models.Index(fields=["asked_by", "-id"], name="operation_asked_recent"),
            # What the tick looks for.
            models.Index(
                fields=["state", "lease_until"],
                condition=models.Q(state__in=["pending", "running"]),
                name="operation_active",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.public_id}"

    @property
    def dealt(self) -> int:
        """Return how many items have an outcome."""
        return self.done + self.failed + self.skipped

    @property
    def progress(self) -> dict[str, int]:
        """Return the counters as events and the API show them."""
        names = ("total", "done", "failed", "skipped")
        return {name: getattr(self, name) for name in names}


class OperationItem(models.Model):
    """One thing an operation is about.

    pending -> done | failed | skipped (nothing was left to do); resumed: failed -> pending
    """

    class State(models.TextChoices):
        PENDING = "pending"
        DONE = "done"
        FAILED = "failed"
        SKIPPED = "skipped"

    operation = models.ForeignKey(
        "threadhub.Operation", on_delete=models.CASCADE, related_name="items"
    )
    position = models.IntegerField()
    key = models.CharField(max_length=300)
    label = models.CharField(max_length=255, blank=True, default="")
    state = models.CharField(max_length=8, choices=State.choices, default=State.PENDING)
    # One sentence: why it failed, or was skipped.
    error = models.CharField(max_length=500, blank=True, default="")
    result = JsonText(null=True)
    # How often it came to an outcome.
    attempts = models.IntegerField(default=0)

    objects = RecordedManager()

    class Meta:
        db_table = "threadhub_operation_item"
        constraints = [
            # Items are performed and shown in this order.
            models.UniqueConstraint(
                fields=["operation", "position"], name="operation_item_position_once"
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["pending", "done", "failed", "skipped"]),
                name="operation_item_state_known",
            ),
        ]
        indexes = [
            # An operation's next items, and those that failed.
            models.Index(fields=["operation", "state", "position"], name="operation_item_by_state"),
        ]

    def __str__(self) -> str:
        return self.label or self.key

    def shown(self) -> dict[str, Any]:
        """Return the item as events and the API show it."""
        names = ("position", "key", "label", "state", "error", "result", "attempts")
        return {name: getattr(self, name) for name in names}

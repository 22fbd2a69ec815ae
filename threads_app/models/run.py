"""A run: one execution on a thread."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from threadhub.kernel.models import JsonText, MetadataField
from threads_app.querysets import RunQuerySet

TERMINAL = ("success", "error", "timeout", "interrupted", "cancelled")

TRANSITIONS: dict[str, frozenset[str]] = {
    "pending": frozenset({"running", "cancelled", "interrupted"}),
    "running": frozenset({*TERMINAL, "pending"}),
    **{status: frozenset() for status in TERMINAL},
}


class Run(models.Model):
    """The row is the order to execute and the record of it; brokers only carry hints.

    pending -> running -> success | error | timeout | interrupted | cancelled
    running -> pending (handed back, or its lease ended); pending -> cancelled | interrupted
    """

    class Status(models.TextChoices):
        PENDING = "pending"
        RUNNING = "running"
        SUCCESS = "success"
        ERROR = "error"
        TIMEOUT = "timeout"
        INTERRUPTED = "interrupted"
        CANCELLED = "cancelled"

    class ErrorKind(models.TextChoices):
        NODE = "node"
        INPUT = "input"
        GRAPH = "graph"
        INFRASTRUCTURE = "infrastructure"
        POISON = "poison"

    public_id = models.UUIDField(unique=True)
    thread = models.ForeignKey("threads_app.Thread", on_delete=models.CASCADE, related_name="runs")
    graph = models.ForeignKey("threads_app.Graph", on_delete=models.PROTECT, related_name="runs")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.PENDING)

    # The order; which assistant it names stays readable after that is deleted.
    assistant_id = models.UUIDField()
    assistant_version = models.IntegerField(default=1)
    input = JsonText(null=True)
    command = JsonText(null=True)
    config = JsonText(default=dict)
    context = JsonText(null=True)
    options = JsonText(default=dict)
    metadata = MetadataField()
    strategy = models.CharField(max_length=12, default="enqueue")
    durability = models.CharField(max_length=8, default="sync")
    idempotency_key = models.CharField(max_length=255, null=True)  # noqa: DJ001  # null: unique
    request_digest = models.CharField(max_length=64, blank=True, default="")
    due_at = models.DateTimeField(null=True)
    deadline_at = models.DateTimeField(null=True)

    # The execution; times by the database's clock
    attempt = models.IntegerField(default=0)
    # How often in a row the worker died without a new checkpoint.
    crashes = models.IntegerField(default=0)
    fence = models.BigIntegerField(null=True)
    owner = models.CharField(max_length=100, blank=True, default="")
    lease_until = models.DateTimeField(null=True)
    dispatched_at = models.DateTimeField(null=True)
    dispatch_count = models.IntegerField(default=0)
    cancel_requested_at = models.DateTimeField(null=True)
    # The head's count of checkpoints at the claim: a crash with more is a crash with progress.
    claimed_seq = models.BigIntegerField(default=0)

    # The outcome
    error_kind = models.CharField(max_length=16, choices=ErrorKind.choices, blank=True, default="")
    error_class = models.CharField(max_length=200, blank=True, default="")
    error_message = models.TextField(blank=True, default="")
    usage = models.JSONField(default=dict)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects = models.Manager.from_queryset(RunQuerySet)()

    class Meta:
        db_table = "threads_run"
        constraints = [
            models.UniqueConstraint(
                fields=["thread"], condition=models.Q(status="running"), name="run_one_per_thread"
            ),
            models.UniqueConstraint(
                fields=["actor", "idempotency_key"], name="run_idempotency_key_once"
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=list(TRANSITIONS)), name="run_status_known"
            ),
            models.CheckConstraint(
                condition=~models.Q(status="running")
                | models.Q(fence__isnull=False, lease_until__isnull=False),
                name="run_running_is_leased",
            ),
        ]
        indexes = [
            # A thread's runs in order; the oldest pending one is claimed first.
            models.Index(fields=["thread", "status", "id"], name="run_thread_queue"),
            # The reaper's scan.
            models.Index(
                fields=["status", "lease_until"],
                condition=models.Q(status__in=["pending", "running"]),
                name="run_active",
            ),
        ]

    def __str__(self) -> str:
        return str(self.public_id)

    @property
    def is_terminal(self) -> bool:
        """Say whether the run has come to an end."""
        return self.status in TERMINAL

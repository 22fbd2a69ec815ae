"""A plan: one execution of a session's dependency graph."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from sessions_app.querysets import PlanNodeQuerySet, PlanQuerySet
from threadhub.kernel.models import JsonText

NODE_TRANSITIONS: dict[str, frozenset[str]] = {
    "pending": frozenset({"running", "blocked", "cancelled"}),
    "running": frozenset({"waiting", "success", "error", "cancelled"}),
    "waiting": frozenset({"running", "success", "error", "cancelled"}),
    "success": frozenset(),
    "error": frozenset(),
    "blocked": frozenset(),
    "cancelled": frozenset(),
}


class Plan(models.Model):
    """running -> finished (all succeeded) | failed | cancelled; at most one runs a session."""

    class Status(models.TextChoices):
        RUNNING = "running"
        FINISHED = "finished"
        FAILED = "failed"
        CANCELLED = "cancelled"

    public_id = models.UUIDField(unique=True)
    session = models.ForeignKey(
        "sessions_app.Session", on_delete=models.CASCADE, related_name="plans"
    )
    # The runs it starts are this person's.
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.RUNNING)
    policy = models.CharField(max_length=12)
    parallel_limit = models.PositiveSmallIntegerField()
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    idempotency_key = models.CharField(max_length=255, null=True)  # noqa: DJ001  # null: unique

    objects = models.Manager.from_queryset(PlanQuerySet)()

    class Meta:
        db_table = "sessions_plan"
        constraints = [
            models.UniqueConstraint(
                fields=["session"], condition=models.Q(status="running"), name="plan_one_running"
            ),
            models.UniqueConstraint(
                fields=["session", "actor", "idempotency_key"], name="plan_idempotency_key_once"
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=["running", "finished", "failed", "cancelled"]),
                name="plan_status_known",
            ),
        ]

    def __str__(self) -> str:
        return str(self.public_id)


class PlanNode(models.Model):
    """What a plan has made of one thread.

    pending -> running -> waiting -> running -> success | error | cancelled
    pending -> blocked (an upstream failed, or its data does not fit) | cancelled
    """

    class Status(models.TextChoices):
        PENDING = "pending"
        RUNNING = "running"
        WAITING = "waiting"
        SUCCESS = "success"
        ERROR = "error"
        BLOCKED = "blocked"
        CANCELLED = "cancelled"

    plan = models.ForeignKey("sessions_app.Plan", on_delete=models.CASCADE, related_name="nodes")
    association = models.ForeignKey(
        "sessions_app.SessionThreadAssociation", on_delete=models.CASCADE, related_name="nodes"
    )
    # Nodes of one level do not depend on each other.
    level = models.PositiveSmallIntegerField()
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    # Why it is blocked, or what the error was.
    reason = models.CharField(max_length=500, blank=True, default="")
    # The names of the threads that blocked it.
    blocked_by = JsonText(default=list)
    # The latest of its runs: the first one, or the one that carries an answer. A thread of two
    # sessions may carry on the plans of both by one run. Runs can be deleted, and what a plan
    # did stays readable then.
    run = models.ForeignKey(
        "threads_app.Run",
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        null=True,
        related_name="+",
    )
    # A bounded copy of the output.
    output_preview = JsonText(null=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects = models.Manager.from_queryset(PlanNodeQuerySet)()

    class Meta:
        db_table = "sessions_plan_node"
        constraints = [
            models.UniqueConstraint(fields=["plan", "association"], name="plan_node_once"),
            models.CheckConstraint(
                condition=models.Q(status__in=list(NODE_TRANSITIONS)), name="plan_node_status_known"
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=["pending", "blocked", "cancelled"])
                | models.Q(run__isnull=False),
                name="plan_node_started_has_run",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.plan_id}/{self.association_id}"

"""A session: several threads that serve one purpose."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from sessions_app.querysets import SessionQuerySet
from threadhub.kernel.models import MetadataField

PARALLEL_LIMIT_MOST = 100


class Session(models.Model):
    """The row that lists read; its status follows from its active threads and its plan.

    Precedence, first match wins: archived, running (a thread works or waits for a worker),
    waiting (a question is open), failed, finished (the last plan ended well), idle.
    """

    class Status(models.TextChoices):
        IDLE = "idle"
        RUNNING = "running"
        WAITING = "waiting"
        FAILED = "failed"
        FINISHED = "finished"
        ARCHIVED = "archived"

    class Policy(models.TextChoices):
        # What does not depend on a failed thread still runs.
        BEST_EFFORT = "best_effort"
        # After a failure nothing more is started.
        STRICT = "strict"

    public_id = models.UUIDField(unique=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="hub_sessions"
    )
    stream = models.OneToOneField("threadhub.Stream", on_delete=models.PROTECT, related_name="+")
    title = models.CharField(max_length=255, blank=True, default="")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.IDLE)
    policy = models.CharField(max_length=12, choices=Policy.choices, default=Policy.BEST_EFFORT)
    parallel_limit = models.PositiveSmallIntegerField(default=4)
    metadata = MetadataField()
    # Raised by every change of its members, dependencies or policy.
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True)

    objects = models.Manager.from_queryset(SessionQuerySet)()

    class Meta:
        db_table = "sessions_session"
        default_permissions = ()
        permissions = [
            ("view_session", "View the session"),
            ("read_session", "Read the session's state and events"),
            ("write_session", "Change the session"),
            ("execute_session", "Run the session's plan"),
            ("delete_session", "Delete the session"),
            ("manage_session", "Grant roles on the session"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    status__in=["idle", "running", "waiting", "failed", "finished", "archived"]
                ),
                name="session_status_known",
            ),
            models.CheckConstraint(
                condition=models.Q(parallel_limit__gte=1, parallel_limit__lte=PARALLEL_LIMIT_MOST),
                name="session_parallel_limit_sane",
            ),
        ]
        indexes = [
            # A person's sessions, latest first.
            models.Index(fields=["owner", "-updated_at"], name="session_owner_recent"),
            # Sessions in one status, latest first.
            models.Index(fields=["status", "-updated_at"], name="session_status_recent"),
        ]

    def __str__(self) -> str:
        return self.title or str(self.public_id)

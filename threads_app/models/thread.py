"""A thread: one line of state of one graph."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from threadhub.kernel.models import JsonText, MetadataField
from threads_app.querysets import ThreadQuerySet


class Thread(models.Model):
    """The catalogue row that lists read; the state itself is in the checkpoint store.

    idle -> busy -> idle | interrupted | error, and from each of those busy again.
    """

    class Status(models.TextChoices):
        IDLE = "idle"
        BUSY = "busy"
        INTERRUPTED = "interrupted"
        ERROR = "error"

    public_id = models.CharField(max_length=255, unique=True)
    graph = models.ForeignKey(
        "threads_app.Graph", on_delete=models.PROTECT, null=True, related_name="threads"
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="threads"
    )
    # The store knows no threads; this key points down to its row.
    head = models.OneToOneField(
        "checkpoints_app.CheckpointHead", on_delete=models.PROTECT, related_name="+"
    )
    stream = models.OneToOneField("threadhub.Stream", on_delete=models.PROTECT, related_name="+")
    title = models.CharField(max_length=255, blank=True, default="")
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.IDLE)
    tags = models.JSONField(default=list, blank=True)
    metadata = MetadataField()
    config = JsonText(default=dict)
    # A bounded copy of the state, written when a run settles, for lists and previews.
    values_preview = JsonText(null=True)
    error = models.CharField(max_length=500, blank=True, default="")
    # Made for one run that named no thread; goes some time after that run has ended.
    is_temporary = models.BooleanField(default=False)
    run_count = models.IntegerField(default=0)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    state_updated_at = models.DateTimeField(null=True)

    objects = models.Manager.from_queryset(ThreadQuerySet)()

    class Meta:
        db_table = "threads_thread"
        default_permissions = ()
        permissions = [
            ("view_thread", "View the thread"),
            ("read_thread", "Read the thread's state and events"),
            ("write_thread", "Change the thread"),
            ("execute_thread", "Run the thread"),
            ("delete_thread", "Delete the thread"),
            ("manage_thread", "Grant roles on the thread"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(status__in=["idle", "busy", "interrupted", "error"]),
                name="thread_status_known",
            ),
        ]
        indexes = [
            # Every thread, latest first.
            models.Index(fields=["-updated_at", "-id"], name="thread_recent"),
            # A person's threads, latest first.
            models.Index(fields=["owner", "-updated_at"], name="thread_owner_recent"),
            # A person's threads in one state: the list, and the counts of the overview.
            models.Index(fields=["owner", "status", "-updated_at"], name="thread_owner_status"),
            # Threads of one graph, latest first.
            models.Index(fields=["graph", "-updated_at", "-id"], name="thread_graph_recent"),
            # Threads in one state, latest first.
            models.Index(fields=["status", "-updated_at"], name="thread_status_recent"),
            # Temporary threads that may go, looked for by every tick.
            models.Index(
                fields=["updated_at"],
                condition=models.Q(is_temporary=True),
                name="thread_temporary",
            ),
        ]

    def __str__(self) -> str:
        return self.title or self.public_id

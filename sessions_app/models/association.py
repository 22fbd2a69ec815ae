"""A thread's membership in a session."""

from __future__ import annotations

from django.db import models

from sessions_app.querysets import AssociationQuerySet
from threadhub.kernel.models import JsonText, MetadataField


class SessionThreadAssociation(models.Model):
    """One thread of one session, under a name that is unique there while it is active."""

    class Type(models.TextChoices):
        # A plan runs it.
        WORK = "work"
        # Kept beside the others; no plan runs it.
        REFERENCE = "reference"

    session = models.ForeignKey(
        "sessions_app.Session", on_delete=models.CASCADE, related_name="associations"
    )
    thread = models.ForeignKey(
        "threads_app.Thread", on_delete=models.CASCADE, related_name="associations"
    )
    thread_name = models.CharField(max_length=100)
    type = models.CharField(max_length=10, choices=Type.choices, default=Type.WORK)
    is_active = models.BooleanField(default=True)
    # What a plan asks of the thread: which assistant, and with what.
    assistant_id = models.UUIDField(null=True)
    input = JsonText(null=True)
    config = JsonText(default=dict)
    context = JsonText(null=True)
    metadata = MetadataField()
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    objects = models.Manager.from_queryset(AssociationQuerySet)()

    class Meta:
        db_table = "sessions_association"
        verbose_name = "member"
        constraints = [
            models.UniqueConstraint(fields=["session", "thread"], name="association_once"),
            models.UniqueConstraint(
                fields=["session", "thread_name"],
                condition=models.Q(is_active=True),
                name="association_name_once",
            ),
        ]
        indexes = [
            # The sessions a thread is an active member of.
            models.Index(
                fields=["thread", "session"],
                condition=models.Q(is_active=True),
                name="association_active",
            ),
        ]

    def __str__(self) -> str:
        return self.thread_name

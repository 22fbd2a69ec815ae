"""An interrupt: a question a graph asks a person."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from threadhub.kernel.models import JsonText
from threads_app.querysets import InterruptQuerySet


class Interrupt(models.Model):
    """One question of one checkpoint.

    open -> answered (once) | dropped (the thread went on without an answer)
    """

    class Status(models.TextChoices):
        OPEN = "open"
        ANSWERED = "answered"
        DROPPED = "dropped"

    thread = models.ForeignKey(
        "threads_app.Thread", on_delete=models.CASCADE, related_name="interrupts"
    )
    run = models.ForeignKey("threads_app.Run", on_delete=models.CASCADE, related_name="questions")
    interrupt_id = models.CharField(max_length=64)
    # Where the question stands: in a subgraph these differ from the thread's head.
    checkpoint_id = models.CharField(max_length=255)
    namespace = models.TextField(blank=True, default="")
    task_id = models.CharField(max_length=64)
    node = models.CharField(max_length=255)
    # How many questions of the task had been answered when this one was asked.
    answered_before = models.IntegerField(default=0)
    value = JsonText(null=True)
    response_schema = JsonText(null=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.OPEN)
    answer = JsonText(null=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    answered_at = models.DateTimeField(null=True)
    # Who said that they will answer, so that others look at something else.
    claimed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    claimed_at = models.DateTimeField(null=True)
    # The run that carries the answer into the graph.
    answer_run = models.ForeignKey(
        "threads_app.Run", on_delete=models.CASCADE, null=True, related_name="answers"
    )
    created_at = models.DateTimeField()

    objects = models.Manager.from_queryset(InterruptQuerySet)()

    class Meta:
        db_table = "threads_interrupt"
        constraints = [
            models.UniqueConstraint(
                fields=["thread", "interrupt_id", "checkpoint_id"], name="interrupt_asked_once"
            ),
            models.CheckConstraint(
                condition=~models.Q(status="answered")
                | models.Q(answered_by__isnull=False, answer_run__isnull=False),
                name="interrupt_answer_has_author",
            ),
        ]
        indexes = [
            # The open questions of a thread.
            models.Index(
                fields=["thread"], condition=models.Q(status="open"), name="interrupt_open"
            ),
            # The inbox, latest first.
            models.Index(fields=["-id"], condition=models.Q(status="open"), name="interrupt_inbox"),
        ]

    def __str__(self) -> str:
        return f"{self.node} {self.interrupt_id[:8]}"

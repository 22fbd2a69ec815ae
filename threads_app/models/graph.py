"""A graph named in a project's langgraph.json."""

from __future__ import annotations

from uuid import UUID, uuid5

from django.db import models

from threadhub.kernel.models import JsonText, RecordedManager

# The namespace in which LangGraph's clients expect default assistants.
ASSISTANTS = UUID("6ba7b821-9dad-11d1-80b4-00c04fd430c8")


class Graph(models.Model):
    """What is known of a graph without importing it; written when a process loads it."""

    class Status(models.TextChoices):
        LOADED = "loaded"
        FAILED = "failed"
        # Named in no project any more; kept because threads and runs point here.
        GONE = "gone"

    name = models.CharField(max_length=255, unique=True)
    project = models.CharField(max_length=100)
    target = models.CharField(max_length=500)
    text = models.TextField(blank=True, default="")
    status = models.CharField(max_length=10, choices=Status.choices)
    problem = models.TextField(blank=True, default="")
    # The stable word for the problem, such as "package_missing".
    problem_code = models.CharField(max_length=50, blank=True, default="")
    # How the project exports it, such as "async factory".
    form = models.CharField(max_length=50, blank=True, default="")
    notes = JsonText(default=list)
    fingerprint = models.CharField(max_length=64, blank=True, default="")
    revision = models.CharField(max_length=64, blank=True, default="")
    # Drawing, schemas, channels, interrupt points: shown on pages and in the API.
    description = JsonText(default=dict)
    # What the check in a process of its own found: graphs.checking.results.GraphCheck.
    check_report = JsonText(default=dict)
    # The state of code, packages and settings it was found in; while that stays, it holds.
    check_key = models.CharField(max_length=64, blank=True, default="")
    checked_at = models.DateTimeField(null=True)
    import_seconds = models.FloatField(default=0)
    loaded_at = models.DateTimeField(null=True)

    objects = RecordedManager()

    class Meta:
        db_table = "threads_graph"

    def __str__(self) -> str:
        return self.name

    @property
    def assistant_id(self) -> UUID:
        """Return the id under which LangGraph's clients know the graph's default assistant."""
        return uuid5(ASSISTANTS, self.name)

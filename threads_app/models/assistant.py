"""An assistant: a graph with a configuration, a context and a version."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from threadhub.kernel.models import JsonText, MetadataField, RecordedManager
from threads_app.querysets import AssistantQuerySet


class Assistant(models.Model):
    """What a run is asked of; each graph has a default one, owned by nobody."""

    public_id = models.UUIDField(unique=True)
    graph = models.ForeignKey(
        "threads_app.Graph", on_delete=models.PROTECT, related_name="assistants"
    )
    # Empty for the default assistant of a graph, which everybody may use.
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="assistants"
    )
    name = models.CharField(max_length=255)
    text = models.TextField(blank=True, default="")
    # The version in force; its number is that of a row in `versions`.
    version = models.IntegerField(default=1)
    config = JsonText(default=dict)
    context = JsonText(default=dict)
    metadata = MetadataField()
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    objects = models.Manager.from_queryset(AssistantQuerySet)()

    class Meta:
        db_table = "threads_assistant"
        constraints = [
            models.UniqueConstraint(
                fields=["graph"],
                condition=models.Q(owner__isnull=True),
                name="assistant_one_default_per_graph",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class AssistantVersion(models.Model):
    """What an assistant was at one version; never changed."""

    assistant = models.ForeignKey(Assistant, on_delete=models.CASCADE, related_name="versions")
    version = models.IntegerField()
    graph = models.ForeignKey("threads_app.Graph", on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=255)
    text = models.TextField(blank=True, default="")
    config = JsonText(default=dict)
    context = JsonText(default=dict)
    metadata = MetadataField()
    created_at = models.DateTimeField()

    objects = RecordedManager()

    class Meta:
        db_table = "threads_assistant_version"
        constraints = [
            models.UniqueConstraint(fields=["assistant", "version"], name="assistant_version_once"),
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"

"""What the routes accept. LangGraph's clients send keys we do not use; those are ignored."""

from __future__ import annotations

import json
from typing import Any

from rest_framework import serializers

from threadhub.kernel.api.inputs import StrictInput
from threads_app.querysets import METADATA_SEARCH_LENGTH

from .fields import MetadataInput, NotYet, OneOrMany

STATE_FIELDS = (
    "values",
    "next",
    "tasks",
    "checkpoint",
    "metadata",
    "created_at",
    "parent_checkpoint",
    "interrupts",
)
THREAD_FIELDS = (
    "thread_id",
    "created_at",
    "updated_at",
    "state_updated_at",
    "metadata",
    "status",
    "config",
    "values",
    "interrupts",
    "error",
)
THREAD_SORT = ("thread_id", "status", "created_at", "updated_at", "state_updated_at")


class ThreadCreateInput(serializers.Serializer[Any]):
    """POST /threads."""

    thread_id = serializers.UUIDField(required=False, allow_null=True)
    metadata = MetadataInput(required=False, allow_null=True)
    if_exists = serializers.ChoiceField(["raise", "do_nothing"], default="raise")
    graph_id = serializers.CharField(required=False, allow_null=True, max_length=255)
    title = serializers.CharField(default="", allow_blank=True, max_length=255)
    ttl = NotYet("Expiry of threads")
    supersteps = NotYet("Creating a thread from supersteps")


class ThreadUpdateInput(serializers.Serializer[Any]):
    """PATCH /threads/{thread_id}."""

    metadata = MetadataInput(required=False, allow_null=True)
    title = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=255)
    ttl = NotYet("Expiry of threads")


class ThreadFilterInput(serializers.Serializer[Any]):
    """POST /threads/count, and what a search begins with."""

    ids = serializers.ListField(
        child=serializers.CharField(max_length=255),
        required=False,
        allow_null=True,
        max_length=1000,
    )
    metadata = MetadataInput(required=False, allow_null=True)
    values = serializers.DictField(required=False, allow_null=True)
    status = serializers.ChoiceField(
        ["idle", "busy", "interrupted", "error"], required=False, allow_null=True
    )

    def validate_metadata(self, wanted: dict[str, Any] | None) -> dict[str, Any] | None:
        """Keep the statement small enough for every database."""
        if len(json.dumps(wanted)) > METADATA_SEARCH_LENGTH:
            raise serializers.ValidationError("This is too much to search for.")
        return wanted

    def validate_values(self, values: dict[str, Any] | None) -> dict[str, Any] | None:
        """Refuse what would otherwise be ignored, and find too much."""
        if values:
            raise serializers.ValidationError("Threads cannot be searched by their values.")
        return values


class ThreadSearchInput(ThreadFilterInput):
    """POST /threads/search."""

    limit = serializers.IntegerField(default=10, min_value=1, max_value=1000)
    offset = serializers.IntegerField(default=0, min_value=0, max_value=1_000_000)
    sort_by = serializers.ChoiceField(THREAD_SORT, default="created_at")
    sort_order = serializers.ChoiceField(["asc", "desc"], default="desc")
    select = OneOrMany(
        child=serializers.ChoiceField(THREAD_FIELDS), required=False, allow_null=True
    )
    extract = NotYet("Extracting values in a search")


class CheckpointInput(serializers.Serializer[Any]):
    """Names a checkpoint of the thread."""

    checkpoint_id = serializers.CharField(
        required=False, allow_null=True, allow_blank=True, max_length=255
    )
    checkpoint_ns = serializers.CharField(default="", allow_blank=True, max_length=2000)


class StateUpdateInput(serializers.Serializer[Any]):
    """POST /threads/{thread_id}/state."""

    values = serializers.JSONField(required=False, allow_null=True)
    as_node = serializers.CharField(required=False, allow_null=True, max_length=255)
    checkpoint = CheckpointInput(required=False, allow_null=True)
    checkpoint_id = serializers.CharField(required=False, allow_null=True, max_length=255)


class StatePart(serializers.CharField):
    """The name of a field of a state, or `values.` and the name of a channel."""

    def to_internal_value(self, data: Any) -> str:
        """Return the name."""
        name: str = super().to_internal_value(data)
        if name not in STATE_FIELDS and not name.startswith("values."):
            raise serializers.ValidationError(f"{name} is no part of a state.")
        return name


class SelectingState(serializers.Serializer[Any]):
    """What to show of a state."""

    select = OneOrMany(child=StatePart(max_length=255), required=False, allow_null=True)


class StateQuery(SelectingState):
    """GET /threads/{thread_id}/state."""

    subgraphs = serializers.BooleanField(default=False)


class StateAtInput(SelectingState):
    """POST /threads/{thread_id}/state/checkpoint."""

    checkpoint = CheckpointInput()
    subgraphs = serializers.BooleanField(default=False)


class HistoryQuery(SelectingState):
    """GET /threads/{thread_id}/history."""

    limit = serializers.IntegerField(default=1, min_value=1, max_value=1000)
    before = serializers.CharField(required=False, max_length=255)


class HistoryInput(SelectingState):
    """POST /threads/{thread_id}/history."""

    limit = serializers.IntegerField(default=1, min_value=1, max_value=1000)
    before = serializers.JSONField(required=False, allow_null=True)
    metadata = MetadataInput(required=False, allow_null=True)
    checkpoint = CheckpointInput(required=False, allow_null=True)


class InterruptListQuery(StrictInput):
    """GET /interrupts."""

    thread_id = serializers.CharField(required=False, max_length=255)


class AnswerInput(StrictInput):
    """POST /interrupts/{id}/answer."""

    answer = serializers.JSONField(allow_null=True)

"""What the routes accept. LangGraph's clients send keys we do not use; those are ignored."""

from __future__ import annotations

import json
from typing import Any

from rest_framework import serializers

from threadhub.kernel.errors import Invalid
from threadhub.kernel.models import clean_metadata

STREAM_MODES = ("values", "updates", "messages-tuple", "custom", "tasks", "checkpoints")
METADATA_SEARCH_LENGTH = 2000
THREAD_SORT = ("thread_id", "status", "created_at", "updated_at", "state_updated_at")


class MetadataInput(serializers.DictField):
    """A JSON object within the metadata limits."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Return the cleaned object."""
        try:
            return clean_metadata(super().to_internal_value(data))
        except Invalid as error:
            raise serializers.ValidationError(error.message) from error


class OneOrMany(serializers.ListField):
    """A list of words, or one word."""

    def to_internal_value(self, data: Any) -> list[Any]:
        """Return a list."""
        return super().to_internal_value([data] if isinstance(data, str) else data)


class ThreadCreateInput(serializers.Serializer[Any]):
    """POST /threads."""

    thread_id = serializers.UUIDField(required=False, allow_null=True)
    metadata = MetadataInput(required=False, allow_null=True)
    if_exists = serializers.ChoiceField(["raise", "do_nothing"], default="raise")
    graph_id = serializers.CharField(required=False, allow_null=True, max_length=255)
    title = serializers.CharField(default="", allow_blank=True, max_length=255)


class ThreadUpdateInput(serializers.Serializer[Any]):
    """PATCH /threads/{thread_id}."""

    metadata = MetadataInput(required=False, allow_null=True)
    title = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=255)


class ThreadSearchInput(serializers.Serializer[Any]):
    """POST /threads/search."""

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
    limit = serializers.IntegerField(default=10, min_value=1, max_value=1000)
    offset = serializers.IntegerField(default=0, min_value=0, max_value=1_000_000)
    sort_by = serializers.ChoiceField(THREAD_SORT, default="created_at")
    sort_order = serializers.ChoiceField(["asc", "desc"], default="desc")

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


class CheckpointInput(serializers.Serializer[Any]):
    """Names a checkpoint of the thread."""

    checkpoint_id = serializers.CharField(
        required=False, allow_null=True, allow_blank=True, max_length=255
    )
    checkpoint_ns = serializers.CharField(default="", allow_blank=True, max_length=2000)


class CommandInput(serializers.Serializer[Any]):
    """LangGraph's Command: answer, write, go."""

    resume = serializers.JSONField(required=False, allow_null=True)
    update = serializers.JSONField(required=False, allow_null=True)  # type: ignore[assignment]
    goto = serializers.JSONField(required=False, allow_null=True)


class ConfigInput(serializers.Serializer[Any]):
    """LangGraph's RunnableConfig, as far as it can be said in JSON."""

    configurable = serializers.DictField(required=False)
    metadata = MetadataInput(required=False)
    tags = serializers.ListField(child=serializers.CharField(), required=False)
    run_name = serializers.CharField(required=False, max_length=255)
    recursion_limit = serializers.IntegerField(required=False, min_value=1, max_value=1_000_000)
    max_concurrency = serializers.IntegerField(required=False, min_value=1, max_value=10_000)

    def validate_configurable(self, given: dict[str, Any]) -> dict[str, Any]:
        """Leave out the keys by which LangGraph's own parts talk to each other."""
        return {name: value for name, value in given.items() if not name.startswith("__")}


class RunCreateInput(serializers.Serializer[Any]):
    """POST /threads/{thread_id}/runs, /runs/wait, /runs/stream."""

    assistant_id = serializers.CharField(max_length=255)
    input = serializers.JSONField(required=False, allow_null=True)
    command = CommandInput(required=False, allow_null=True)
    checkpoint = CheckpointInput(required=False, allow_null=True)
    checkpoint_id = serializers.CharField(required=False, allow_null=True, max_length=255)
    metadata = MetadataInput(required=False, allow_null=True)
    config = ConfigInput(required=False, allow_null=True)
    context = serializers.DictField(required=False, allow_null=True)  # type: ignore[assignment]
    interrupt_before = OneOrMany(child=serializers.CharField(), required=False, allow_null=True)
    interrupt_after = OneOrMany(child=serializers.CharField(), required=False, allow_null=True)
    stream_mode = OneOrMany(
        child=serializers.ChoiceField(STREAM_MODES), required=False, allow_null=True
    )
    stream_subgraphs = serializers.BooleanField(default=False)
    multitask_strategy = serializers.CharField(default="enqueue")
    if_not_exists = serializers.ChoiceField(["reject", "create"], default="reject")
    on_disconnect = serializers.ChoiceField(["cancel", "continue"], default="continue")
    durability = serializers.ChoiceField(["sync", "async", "exit"], default="sync")
    after_seconds = serializers.IntegerField(default=0, min_value=0, max_value=30 * 86400)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse what excludes each other."""
        if attrs.get("command") and attrs.get("input") is not None:
            raise serializers.ValidationError({"command": "Give either an input or a command."})
        return attrs


class RunListQuery(serializers.Serializer[Any]):
    """GET /threads/{thread_id}/runs."""

    limit = serializers.IntegerField(default=10, min_value=1, max_value=1000)
    offset = serializers.IntegerField(default=0, min_value=0, max_value=1_000_000)
    status = serializers.ChoiceField(
        ["pending", "running", "success", "error", "timeout", "interrupted"], required=False
    )


class RunStreamQuery(serializers.Serializer[Any]):
    """GET /threads/{thread_id}/runs/{run_id}/stream."""

    stream_mode = OneOrMany(child=serializers.ChoiceField(STREAM_MODES), required=False)
    cancel_on_disconnect = serializers.BooleanField(default=False)


class CancelQuery(serializers.Serializer[Any]):
    """POST /threads/{thread_id}/runs/{run_id}/cancel."""

    wait = serializers.BooleanField(default=False)
    action = serializers.ChoiceField(["interrupt"], default="interrupt")


class StateUpdateInput(serializers.Serializer[Any]):
    """POST /threads/{thread_id}/state."""

    values = serializers.JSONField(required=False, allow_null=True)
    as_node = serializers.CharField(required=False, allow_null=True, max_length=255)
    checkpoint = CheckpointInput(required=False, allow_null=True)
    checkpoint_id = serializers.CharField(required=False, allow_null=True, max_length=255)


class StateQuery(serializers.Serializer[Any]):
    """GET /threads/{thread_id}/state."""

    subgraphs = serializers.BooleanField(default=False)


class StateAtInput(serializers.Serializer[Any]):
    """POST /threads/{thread_id}/state/checkpoint."""

    checkpoint = CheckpointInput()
    subgraphs = serializers.BooleanField(default=False)


class HistoryQuery(serializers.Serializer[Any]):
    """GET /threads/{thread_id}/history."""

    limit = serializers.IntegerField(default=1, min_value=1, max_value=1000)
    before = serializers.CharField(required=False, max_length=255)


class HistoryInput(serializers.Serializer[Any]):
    """POST /threads/{thread_id}/history."""

    limit = serializers.IntegerField(default=1, min_value=1, max_value=1000)
    before = serializers.JSONField(required=False, allow_null=True)
    metadata = MetadataInput(required=False, allow_null=True)
    checkpoint = CheckpointInput(required=False, allow_null=True)


class AnswerInput(serializers.Serializer[Any]):
    """POST /interrupts/{id}/answer."""

    answer = serializers.JSONField(allow_null=True)

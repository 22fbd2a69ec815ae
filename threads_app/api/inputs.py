"""What the routes accept. LangGraph's clients send keys we do not use; those are ignored."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from threadhub.kernel.errors import Invalid
from threadhub.kernel.models import clean_metadata

STREAM_MODES = ("values", "updates", "messages-tuple", "custom", "tasks", "checkpoints")
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
    metadata = MetadataInput(required=False)
    if_exists = serializers.ChoiceField(["raise", "do_nothing"], required=False)
    graph_id = serializers.CharField(required=False, allow_null=True)
    title = serializers.CharField(required=False, allow_blank=True, max_length=255)


class ThreadUpdateInput(serializers.Serializer[Any]):
    """PATCH /threads/{thread_id}."""

    metadata = MetadataInput(required=False)
    title = serializers.CharField(required=False, allow_blank=True, max_length=255)


class ThreadSearchInput(serializers.Serializer[Any]):
    """POST /threads/search."""

    ids = serializers.ListField(child=serializers.CharField(max_length=255), required=False)
    metadata = MetadataInput(required=False)
    status = serializers.ChoiceField(
        ["idle", "busy", "interrupted", "error"], required=False, allow_null=True
    )
    limit = serializers.IntegerField(default=10, min_value=1, max_value=1000)
    offset = serializers.IntegerField(default=0, min_value=0, max_value=1_000_000)
    sort_by = serializers.ChoiceField(THREAD_SORT, default="created_at")
    sort_order = serializers.ChoiceField(["asc", "desc"], default="desc")


class CheckpointInput(serializers.Serializer[Any]):
    """Names a checkpoint of the thread."""

    checkpoint_id = serializers.CharField(
        required=False, allow_null=True, allow_blank=True, max_length=255
    )
    checkpoint_ns = serializers.CharField(required=False, allow_blank=True, default="")


class CommandInput(serializers.Serializer[Any]):
    """LangGraph's Command: answer, write, go."""

    resume = serializers.JSONField(required=False, allow_null=True)
    update = serializers.JSONField(required=False, allow_null=True)
    goto = serializers.JSONField(required=False, allow_null=True)


class RunCreateInput(serializers.Serializer[Any]):
    """POST /threads/{thread_id}/runs, /runs/wait, /runs/stream."""

    assistant_id = serializers.CharField(max_length=255)
    input = serializers.JSONField(required=False, allow_null=True)
    command = CommandInput(required=False, allow_null=True)
    checkpoint = CheckpointInput(required=False, allow_null=True)
    checkpoint_id = serializers.CharField(required=False, allow_null=True, max_length=255)
    metadata = MetadataInput(required=False)
    config = serializers.DictField(required=False)
    context = serializers.DictField(required=False, allow_null=True)
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
    after_seconds = serializers.FloatField(default=0, min_value=0, max_value=30 * 86400)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse what excludes each other."""
        if attrs.get("command") and attrs.get("input") is not None:
            raise serializers.ValidationError({"command": "Give either an input or a command."})
        for name in ("recursion_limit", "max_concurrency"):
            limit = attrs.get("config", {}).get(name, 1)
            if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
                raise serializers.ValidationError({"config": f"{name} must be a positive number."})
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


class HistoryInput(serializers.Serializer[Any]):
    """GET and POST /threads/{thread_id}/history."""

    limit = serializers.IntegerField(default=10, min_value=1, max_value=1000)
    before = serializers.JSONField(required=False, allow_null=True)
    metadata = MetadataInput(required=False)
    checkpoint = CheckpointInput(required=False, allow_null=True)


class AnswerInput(serializers.Serializer[Any]):
    """POST /interrupts/{id}/answer."""

    answer = serializers.JSONField()

"""What the routes about runs accept. LangGraph's clients send keys we do not use; most harm nobody.

Those that would change what happens are refused by name instead of ignored.
"""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from .fields import Choice, MetadataInput, NotYet, OneOrMany, cancel_action, stream_modes
from .inputs import CheckpointInput

BATCH_LIMIT = 100
RUN_FIELDS = (
    "run_id",
    "thread_id",
    "assistant_id",
    "created_at",
    "updated_at",
    "status",
    "metadata",
    "kwargs",
    "multitask_strategy",
)


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


class _RunInput(serializers.Serializer[Any]):
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
    stream_mode = stream_modes()
    stream_subgraphs = serializers.BooleanField(default=False)
    multitask_strategy = Choice(
        ["enqueue", "reject"],
        missing={
            "interrupt": "The multitask strategy interrupt",
            "rollback": "The multitask strategy rollback",
        },
        default="enqueue",
    )
    on_disconnect = serializers.ChoiceField(["cancel", "continue"], default="continue")
    durability = serializers.ChoiceField(["sync", "async", "exit"], required=False, allow_null=True)
    checkpoint_during = serializers.BooleanField(required=False, allow_null=True)
    after_seconds = serializers.IntegerField(default=0, min_value=0, max_value=30 * 86400)
    webhook = NotYet("Calling a webhook")
    feedback_keys = NotYet("Collecting feedback")
    langsmith_tracer = NotYet("Tracing with LangSmith")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse what excludes each other; `checkpoint_during` is an older word for durability."""
        if attrs.get("command") and attrs.get("input") is not None:
            raise serializers.ValidationError({"command": "Give either an input or a command."})
        older = "exit" if attrs.get("checkpoint_during") is False else "sync"
        return {**attrs, "durability": attrs.get("durability") or older}


class RunCreateInput(_RunInput):
    """POST /threads/{thread_id}/runs, /runs/wait, /runs/stream."""

    if_not_exists = serializers.ChoiceField(["reject", "create"], default="reject")
    on_completion = NotYet("Deleting a thread when its run ends", default_word="keep")


class StatelessRunInput(_RunInput):
    """POST /runs, /runs/wait, /runs/stream."""

    if_not_exists = serializers.ChoiceField(["reject", "create"], default="create")
    on_completion = serializers.ChoiceField(["delete", "keep"], default="delete")


class BatchedRunInput(StatelessRunInput):
    """One run of POST /runs/batch; without a thread it gets one of its own."""

    thread_id = serializers.CharField(required=False, allow_null=True, max_length=255)


class BulkCancelInput(serializers.Serializer[Any]):
    """POST /runs/cancel: runs of a thread by their ids, or one's own runs by their status."""

    thread_id = serializers.CharField(required=False, allow_null=True, max_length=255)
    run_ids = serializers.ListField(
        child=serializers.UUIDField(), required=False, allow_null=True, max_length=1000
    )
    status = serializers.ChoiceField(["pending", "running", "all"], required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Demand one way or the other to say which runs are meant."""
        by_ids = bool(attrs.get("thread_id")) and bool(attrs.get("run_ids"))
        if by_ids == bool(attrs.get("status")):
            raise serializers.ValidationError("Give either thread_id and run_ids, or a status.")
        return attrs


class RunListQuery(serializers.Serializer[Any]):
    """GET /threads/{thread_id}/runs."""

    limit = serializers.IntegerField(default=10, min_value=1, max_value=1000)
    offset = serializers.IntegerField(default=0, min_value=0, max_value=1_000_000)
    status = serializers.ChoiceField(
        ["pending", "running", "success", "error", "timeout", "interrupted"], required=False
    )
    select = OneOrMany(child=serializers.ChoiceField(RUN_FIELDS), required=False)


class RunStreamQuery(serializers.Serializer[Any]):
    """GET /threads/{thread_id}/runs/{run_id}/stream."""

    stream_mode = stream_modes()
    cancel_on_disconnect = serializers.BooleanField(default=False)


class BulkCancelQuery(serializers.Serializer[Any]):
    """POST /runs/cancel."""

    action = cancel_action()


class CancelQuery(BulkCancelQuery):
    """POST /threads/{thread_id}/runs/{run_id}/cancel."""

    wait = serializers.BooleanField(default=False)

"""What the routes about operations answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rest_framework import serializers

if TYPE_CHECKING:
    from threadhub.kernel.operations.models import Operation, OperationItem


class OperationOutput(serializers.Serializer[Any]):
    """An operation as the API shows it."""

    operation_id = serializers.UUIDField()
    kind = serializers.CharField()
    state = serializers.CharField()
    target = serializers.DictField(allow_null=True)
    filter = serializers.DictField(allow_null=True)
    arguments = serializers.DictField()
    reason = serializers.CharField()
    asked_by = serializers.CharField()
    total = serializers.IntegerField()
    done = serializers.IntegerField()
    failed = serializers.IntegerField()
    skipped = serializers.IntegerField()
    error = serializers.CharField()
    cancel_requested_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)


class OperationItemOutput(serializers.Serializer[Any]):
    """One thing an operation is about."""

    position = serializers.IntegerField()
    key = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    state = serializers.CharField()
    error = serializers.CharField()
    result = serializers.JSONField(allow_null=True)
    attempts = serializers.IntegerField()


class OperationDetailOutput(OperationOutput):
    """An operation with a page of its items."""

    items = serializers.ListField(child=OperationItemOutput())


def operation(row: Operation) -> dict[str, Any]:
    """Return an operation as JSON."""
    return {
        "operation_id": str(row.public_id),
        "kind": row.kind,
        "state": row.state,
        "target": row.target,
        "filter": row.filter,
        "arguments": row.arguments,
        "reason": row.reason,
        "asked_by": row.asked_by.get_username(),
        **row.progress,
        "error": row.error,
        "cancel_requested_at": row.cancel_requested_at,
        "created_at": row.created_at,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
    }


def detail(row: Operation, items: Sequence[OperationItem]) -> dict[str, Any]:
    """Return an operation with these items as JSON."""
    return {**operation(row), "items": [item.shown() for item in items]}

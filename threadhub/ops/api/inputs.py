"""What the routes about operations accept."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from threadhub.kernel.api.inputs import StrictInput

IDS_AT_ONCE = 1000


class OperationCreateInput(StrictInput):
    """POST /operations: a kind, and the objects by `ids` or by a `filter` of that kind."""

    kind = serializers.CharField(max_length=60)
    ids = serializers.ListField(
        child=serializers.CharField(max_length=255), required=False, max_length=IDS_AT_ONCE
    )
    filter = serializers.DictField(required=False)
    arguments = serializers.DictField(required=False)
    reason = serializers.CharField(default="", allow_blank=True, max_length=500)

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        """Refuse both ways to name the objects at once, and none."""
        if ("ids" in given) == ("filter" in given):
            raise serializers.ValidationError({"filter": "Give either ids or a filter."})
        return given


class PageQuery(StrictInput):
    """GET /operations."""

    limit = serializers.IntegerField(default=50, min_value=1, max_value=1000)
    offset = serializers.IntegerField(default=0, min_value=0, max_value=1_000_000)


class ItemsQuery(PageQuery):
    """GET /operations/{operation_id}: which of its items to show."""

    state = serializers.ChoiceField(["pending", "done", "failed", "skipped"], required=False)

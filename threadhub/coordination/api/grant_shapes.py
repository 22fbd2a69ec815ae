"""Bodies and answers of the routes about rights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rest_framework import serializers

from threadhub.kernel.api.inputs import StrictInput
from threadhub.kernel.rbac.querysets import ACTIONS

if TYPE_CHECKING:
    from threadhub.kernel.rbac.explaining import Reason


class GrantInput(StrictInput):
    """A role for a person or a group; without `until` it has no end."""

    role = serializers.CharField(max_length=60)
    user = serializers.CharField(required=False, max_length=150)
    group = serializers.CharField(required=False, max_length=150)
    until = serializers.DateTimeField(required=False, allow_null=True)
    starts_at = serializers.DateTimeField(required=False, allow_null=True)
    reason = serializers.CharField(default="", allow_blank=True, max_length=500)


class AccessQuery(StrictInput):
    """Whose access is asked about; one's own when nobody is named."""

    user = serializers.CharField(required=False, max_length=150)


class GrantOutput(serializers.Serializer[Any]):
    """A grant as the API shows it."""

    id = serializers.IntegerField()
    role = serializers.CharField()
    permissions = serializers.ListField(child=serializers.CharField())
    user = serializers.CharField(allow_null=True)
    group = serializers.CharField(allow_null=True)
    grantor = serializers.CharField()
    starts_at = serializers.DateTimeField()
    until = serializers.DateTimeField(allow_null=True)
    reason = serializers.CharField()


class ReasonOutput(serializers.Serializer[Any]):
    """One reason why a person holds permissions."""

    kind = serializers.CharField()
    permissions = serializers.ListField(child=serializers.CharField())
    role = serializers.CharField(allow_null=True)
    group = serializers.CharField(allow_null=True)
    session_id = serializers.CharField(allow_null=True)
    grant_id = serializers.IntegerField(allow_null=True)
    grantor = serializers.CharField(allow_null=True)
    since = serializers.DateTimeField(allow_null=True)
    until = serializers.DateTimeField(allow_null=True)
    reason = serializers.CharField()


class AccessOutput(serializers.Serializer[Any]):
    """What a person may do with an object, and why."""

    user = serializers.CharField()
    permissions = serializers.ListField(child=serializers.CharField())
    reasons = ReasonOutput(many=True)


def grant(row: Any) -> dict[str, Any]:
    """Return a grant as JSON."""
    return {
        "id": row.pk,
        "role": row.role.name,
        "permissions": row.role.permissions,
        "user": row.user.get_username() if row.user_id else None,
        "group": row.group.name if row.group_id else None,
        "grantor": row.grantor.get_username(),
        "starts_at": row.starts_at,
        "until": row.ends_at,
        "reason": row.reason,
    }


def access(user: Any, reasons: Sequence[Reason]) -> dict[str, Any]:
    """Return what a person may do, and why, as JSON."""
    held = {action for reason in reasons for action in reason.permissions}
    return {
        "user": user.get_username(),
        "permissions": [action for action in ACTIONS if action in held],
        "reasons": [_reason(reason) for reason in reasons],
    }


def _reason(reason: Reason) -> dict[str, Any]:
    return {
        "kind": reason.kind,
        "permissions": list(reason.permissions),
        "role": reason.role or None,
        "group": reason.group or None,
        "session_id": reason.session_id or None,
        "grant_id": reason.grant_id,
        "grantor": reason.grantor or None,
        "since": reason.since,
        "until": reason.until,
        "reason": reason.reason,
    }

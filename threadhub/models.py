"""The kernel's tables, which live under this app's label."""

from __future__ import annotations

from threadhub.kernel.audit.models import AuditEntry
from threadhub.kernel.crypto.models import KeyCheck
from threadhub.kernel.events.models import OutboxEvent
from threadhub.kernel.operations.models import Operation, OperationItem
from threadhub.kernel.people.models import ApiKey, Profile
from threadhub.kernel.rbac.models import GlobalGrant, Role, RoleGrant
from threadhub.kernel.streams.models import Stream, StreamEvent

__all__ = [
    "ApiKey",
    "AuditEntry",
    "GlobalGrant",
    "KeyCheck",
    "Operation",
    "OperationItem",
    "OutboxEvent",
    "Profile",
    "Role",
    "RoleGrant",
    "Stream",
    "StreamEvent",
]

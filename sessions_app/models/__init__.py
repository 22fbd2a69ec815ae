"""Sessions, their members, the dependencies between them, and plans."""

from __future__ import annotations

from .association import SessionThreadAssociation
from .dependency import Dependency
from .permissions import SessionGroupPermission, SessionUserPermission
from .plan import Plan, PlanNode
from .session import Session

__all__ = [
    "Dependency",
    "Plan",
    "PlanNode",
    "Session",
    "SessionGroupPermission",
    "SessionThreadAssociation",
    "SessionUserPermission",
]

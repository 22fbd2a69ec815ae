"""Chainable filters of sessions and what belongs to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from threadhub.kernel.rbac.querysets import ProtectedQuerySet

if TYPE_CHECKING:
    from sessions_app.models import (  # noqa: F401  # quoted below
        Plan,
        PlanNode,
        Session,
        SessionThreadAssociation,
    )


class SessionQuerySet(ProtectedQuerySet["Session"]):
    """Filters for sessions."""


class AssociationQuerySet(ProtectedQuerySet["SessionThreadAssociation"]):
    """Filters for memberships; one is as visible as its session."""

    belongs_to = "session"

    def active(self) -> Self:
        """Return the memberships that count."""
        return self.filter(is_active=True)


class PlanQuerySet(ProtectedQuerySet["Plan"]):
    """Filters for plans; one is as visible as its session."""

    belongs_to = "session"

    def running(self) -> Self:
        """Return the plans that have not ended."""
        return self.filter(status="running")


class PlanNodeQuerySet(ProtectedQuerySet["PlanNode"]):
    """Filters for what plans made of threads; one is as visible as its session."""

    belongs_to = "plan__session"

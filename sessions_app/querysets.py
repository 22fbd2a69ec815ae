"""Chainable filters of sessions and what belongs to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from django.db.models import Count, Exists, F, IntegerField, Model, OuterRef, Q, Subquery

from threadhub.kernel.rbac.querysets import ProtectedQuerySet
from threadhub.kernel.searching import has_metadata

if TYPE_CHECKING:
    from sessions_app.models import (  # noqa: F401  # quoted below
        Plan,
        PlanNode,
        Session,
        SessionThreadAssociation,
    )


ENDED = ("success", "error", "blocked", "cancelled")


def _related(model: type[Model], name: str) -> Any:
    """Return the manager of the model behind a relation, which no import may name here."""
    found: Any = model._meta.get_field(name)
    return found.related_model._default_manager


class SessionQuerySet(ProtectedQuerySet["Session"]):
    """Filters for sessions."""

    def with_metadata(self, wanted: Mapping[str, Any]) -> Self:
        """Return the sessions whose metadata has all of this; objects may have more keys."""
        return self.filter(*has_metadata(wanted))

    def with_member_counts(self) -> Self:
        """Return the sessions with `member_count`, the number of their active threads."""
        members = _related(self.model, "associations")
        counted = members.filter(session=OuterRef("pk"), is_active=True).order_by()
        counted = counted.values("session").annotate(count=Count("pk")).values("count")
        return self.annotate(member_count=Subquery(counted, output_field=IntegerField()))


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

    def stalled(self) -> Self:
        """Return the running plans for which something is to be done now."""
        mine = _related(self.model, "nodes").filter(plan=OuterRef("pk"))
        working = mine.filter(status="running").order_by().values("plan")
        places = Subquery(working.annotate(count=Count("pk")).values("count"))
        may_start = Q(in_work=None) | Q(in_work__lt=F("parallel_limit"))
        return (
            self.running()
            .annotate(in_work=places)
            .filter(
                Exists(mine.overtaken())
                | (Exists(mine.ready()) & may_start)
                | ~Exists(mine.exclude(status__in=ENDED))
            )
        )


class PlanNodeQuerySet(ProtectedQuerySet["PlanNode"]):
    """Filters for what plans made of threads; one is as visible as its session."""

    belongs_to = "plan__session"

    def unended(self) -> Self:
        """Return the nodes that have not come to an end."""
        return self.exclude(status__in=ENDED)

    def overtaken(self) -> Self:
        """Return the nodes whose run has ended or is gone, or has been followed by another."""
        runs = _related(self.model, "run")
        active = runs.filter(pk=OuterRef("run_id"), status__in=["pending", "running"])
        later = runs.filter(thread=OuterRef("association__thread"), pk__gt=OuterRef("run_id"))
        return self.filter(
            Q(status="running") & ~Exists(active) | Q(status="waiting") & Exists(later)
        )

    def ready(self) -> Self:
        """Return the pending nodes none of whose upstreams is still to end."""
        edges = _related(_related(self.model, "association").model, "needs")
        open_above = self.model._default_manager.filter(
            plan=OuterRef(OuterRef("plan")), association=OuterRef("upstream")
        ).exclude(status__in=ENDED)
        waits_for = edges.filter(downstream=OuterRef("association")).filter(Exists(open_above))
        return self.filter(status="pending").filter(~Exists(waits_for))

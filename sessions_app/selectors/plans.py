"""Questions about plans."""

from __future__ import annotations

from sessions_app.models import Plan, PlanNode, Session


def last(session: Session) -> Plan | None:
    """Return the plan that runs, or the one that ran last."""
    return Plan.objects.filter(session=session).select_related("actor").order_by("-id").first()


def nodes(plan: Plan) -> list[PlanNode]:
    """Return what the plan made of each thread, in the order of levels and names."""
    found = PlanNode.objects.filter(plan=plan).select_related("association__thread", "run")
    found = found.only(
        *(field.attname for field in PlanNode._meta.concrete_fields),
        "association__thread_name",
        "association__thread__public_id",
        "run__public_id",
    )
    return list(found.order_by("level", "association__thread_name"))

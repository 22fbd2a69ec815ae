"""A plan as its rows are at one moment."""

from __future__ import annotations

from dataclasses import dataclass

from sessions_app.models import Plan, PlanNode
from threadhub.coordination import plans

# What a member's runs are given: large, and read only when one is started.
ORDERED = ("input", "config", "context")
# Large fields of a thread, which no plan looks at.
UNSEEN = ("values_preview", "metadata", "config", "tags")


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Nodes by the key of their member, and the keys of those each waits for."""

    plan: Plan
    nodes: dict[int, PlanNode]
    needs: dict[int, list[int]]

    def in_status(self, *wanted: str) -> list[PlanNode]:
        """Return the nodes in one of these, in the order of levels and names."""
        found = [node for node in self.nodes.values() if node.status in wanted]
        return sorted(found, key=lambda node: (node.level, name_of(node)))

    def above(self, node: PlanNode) -> list[PlanNode]:
        """Return the nodes this one waits for."""
        return [self.nodes[key] for key in self.needs[node.association_id]]


def of(plan: Plan) -> Picture:
    """Return the plan as it is now; 2 queries."""
    rows = PlanNode.objects.filter(plan=plan).select_related("association__thread")
    rows = rows.defer(
        "output_preview",
        *(f"association__{name}" for name in ORDERED),
        *(f"association__thread__{name}" for name in UNSEEN),
    )
    nodes = {node.association_id: node for node in rows}
    needs: dict[int, list[int]] = {key: [] for key in nodes}
    for node in nodes.values():
        node.plan = plan
    for upstream, downstream in plans.edges_among(plan.session_id, nodes):
        needs[downstream].append(upstream)
    return Picture(plan=plan, nodes=nodes, needs=needs)


def name_of(node: PlanNode) -> str:
    """Return the name of the node's thread in the session."""
    return node.association.thread_name

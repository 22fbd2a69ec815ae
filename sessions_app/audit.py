"""How the models of this app are recorded."""

from __future__ import annotations

from threadhub.kernel import audit

from .models import (
    Dependency,
    Plan,
    PlanNode,
    Session,
    SessionGroupPermission,
    SessionThreadAssociation,
    SessionUserPermission,
)

audit.acts(Session, why="Made and changed by acts; its status follows from its threads.")
audit.acts(SessionThreadAssociation, why="Every change of a session's members is an act.")
audit.acts(Dependency, why="Made and removed together with the members of a session.")
audit.acts(Plan, why="Its state changes by compare-and-set; every transition is an act.")
audit.machinery_model(PlanNode, why="Follows from the plan and its runs, which are recorded.")
audit.machinery_model(SessionUserPermission, why="Derived from grants, which are recorded.")
audit.machinery_model(SessionGroupPermission, why="Derived from grants, which are recorded.")

"""How the models of this app are recorded."""

from __future__ import annotations

from threadhub.kernel import audit

from .models import (
    Assistant,
    AssistantVersion,
    Graph,
    Interrupt,
    Run,
    Thread,
    ThreadGroupPermission,
    ThreadUserPermission,
)

audit.acts(Thread, why="Made, changed and deleted by acts; runs settle it by compare-and-set.")
audit.acts(Run, why="Its state changes by compare-and-set; every transition is an act.")
audit.acts(Interrupt, why="Asked and answered by compare-and-set; both are acts.")
audit.acts(Assistant, why="Every change is a version, made by an act.")
audit.machinery_model(AssistantVersion, why="The versions are the record of an assistant.")
audit.acts(Graph, why="Follows from the project's files; loading is an act.")
audit.machinery_model(ThreadUserPermission, why="Derived from grants, which are recorded.")
audit.machinery_model(ThreadGroupPermission, why="Derived from grants, which are recorded.")

"""The subgraph that reads and checks one batch of packages."""

from __future__ import annotations

from typing import Any

from langgraph.graph import END, START, StateGraph

from environment_audit import checks, inventory
from environment_audit.kinds import Batch, BatchResult


def read(state: Batch) -> dict[str, Any]:
    """Read the metadata of the batch; a package removed meanwhile is left out."""
    distributions = inventory.installed()
    present = [name for name in state["names"] if name in distributions]
    return {"packages": [checks.read(name, distributions[name]) for name in present]}


def check(state: Batch) -> dict[str, Any]:
    """Check each package of the batch by itself, and say how far the audit is."""
    distributions = inventory.installed()
    found = []
    for package in state["packages"]:
        found += checks.license_findings(package)
        found += checks.size_findings(package)
        if package.name in distributions:
            found += checks.metadata_findings(package, distributions[package.name])
    return {"findings": found}


builder = StateGraph(Batch, output_schema=BatchResult)
builder.add_node("read", read)
builder.add_node("check", check)
builder.add_edge(START, "read")
builder.add_edge("read", "check")
builder.add_edge("check", END)
batch = builder.compile(name="batch")

"""The subgraph that checks one batch of packages."""

from __future__ import annotations

from typing import Any

from langgraph.graph import END, START, StateGraph

from environment_audit import checks, environment
from environment_audit.kinds import Batch, BatchResult


def licenses(state: Batch) -> dict[str, Any]:
    """Look at what each package states as its license, and how large it is."""
    found = []
    for package in state["packages"]:
        found += checks.license_findings(package)
        found += checks.size_findings(package)
    return {"findings": found}


def metadata(state: Batch) -> dict[str, Any]:
    """Look at each package's metadata; one removed meanwhile is left out."""
    distributions = environment.installed()
    found = []
    for package in state["packages"]:
        if package.name in distributions:
            found += checks.metadata_findings(package, distributions[package.name])
    return {"findings": found}


builder = StateGraph(Batch, output_schema=BatchResult)
builder.add_node("licenses", licenses)
builder.add_node("metadata", metadata)
builder.add_edge(START, "licenses")
builder.add_edge("licenses", "metadata")
builder.add_edge("metadata", END)
batch = builder.compile(name="batch")

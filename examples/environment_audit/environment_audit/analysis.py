"""The analysis: check the packages of an inventory, and leave what was found for the report."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from langchain_core.runnables import RunnableConfig, RunnableLambda
from langgraph.graph import END, START, StateGraph
from langgraph.store.base import BaseStore
from langgraph.types import Overwrite, Send
from packaging.utils import canonicalize_name

from environment_audit import checks, desk, document, environment, progress
from environment_audit.batch import batch
from environment_audit.kinds import (
    AnalysisInput,
    AnalysisOutput,
    AnalysisState,
    Batch,
    BatchResult,
    Machine,
    Package,
)

BATCH_SIZE = 20


def take(state: AnalysisState) -> dict[str, Any]:
    """Take the inventory over; from another thread it comes as plain data."""
    packages = [Package.of(item) for item in state.get("packages") or []]
    progress.advance(f"got {len(packages)} packages", checked=0, total=len(packages))
    return {
        "machine": Machine.of(state["machine"]),
        "packages": packages,
        "findings": Overwrite([]),
    }


def batches(state: AnalysisState) -> list[Send] | Literal["compare"]:
    """Send the packages to the subgraph, so many at a time."""
    packages = state["packages"]
    size = max(1, state.get("batch_size") or BATCH_SIZE)
    return [
        Send(
            "batch",
            {"packages": packages[at : at + size], "first": at + 1, "total": len(packages)},
        )
        for at in range(0, len(packages), size)
    ] or "compare"


def check_batch(state: Batch) -> BatchResult:
    """Let the subgraph check a batch, then say how far the analysis is."""
    result = batch.invoke(state)
    return _checked(state, result)


async def check_batch_async(state: Batch) -> BatchResult:
    """Do the same without blocking the event loop."""
    result = await batch.ainvoke(state)
    return _checked(state, result)


def _checked(state: Batch, result: dict[str, Any]) -> BatchResult:
    # Said here and not in the subgraph, whose events reach only those who ask for subgraphs.
    count = len(state["packages"])
    first, last = state["first"], state["first"] + count - 1
    text = f"checked {first} to {last} of {state['total']} packages"
    progress.advance(text, checked=count, total=state["total"])
    return {"findings": result["findings"]}


def compare(state: AnalysisState) -> dict[str, Any]:
    """Check the packages against each other: versions, chains, copies."""
    distributions = environment.installed()
    packages = state["packages"]
    everything = {
        name: [canonicalize_name(item.name) for item in environment.requirements(distribution)]
        for name, distribution in distributions.items()
    }
    depths = environment.depths(everything)
    measured = [replace(item, depth=depths.get(item.name, 0)) for item in packages]
    found = checks.requirement_findings(measured, distributions)
    found += checks.depth_findings(measured)
    found += checks.copy_findings(environment.copies(), [item.name for item in packages])
    progress.note("compared versions and requirements")
    return {"packages": measured, "findings": found}


def leave(state: AnalysisState, config: RunnableConfig, *, store: BaseStore) -> dict[str, Any]:
    """Leave everything for the report, and sum it up."""
    desk.put(store, config, state)
    summary = document.summary(state)
    progress.note(f"left {sum(summary.values()) - summary['packages']} findings for the report")
    return {"summary": summary}


builder = StateGraph(AnalysisState, input_schema=AnalysisInput, output_schema=AnalysisOutput)
builder.add_node("take", take)
builder.add_node("batch", RunnableLambda(check_batch, afunc=check_batch_async))
builder.add_node("compare", compare)
builder.add_node("leave", leave)
builder.add_edge(START, "take")
builder.add_conditional_edges("take", batches, ["batch", "compare"])
builder.add_edge("batch", "compare")
builder.add_edge("compare", "leave")
builder.add_edge("leave", END)
graph = builder.compile(name="analysis")

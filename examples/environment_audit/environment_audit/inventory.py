"""The inventory: which packages there are, read side by side in batches."""

from __future__ import annotations

from typing import Any, Literal

from langgraph.graph import END, START, StateGraph
from langgraph.types import Overwrite, Send
from packaging.utils import canonicalize_name

from environment_audit import checks, environment, progress
from environment_audit.kinds import InventoryInput, InventoryOutput, InventoryState, Names

BATCH_SIZE = 20


def list_packages(state: InventoryState) -> dict[str, Any]:
    """Find out which packages there are, and forget an earlier inventory of this thread."""
    names = list(environment.installed())
    wanted = {canonicalize_name(name) for name in state.get("only") or []}
    chosen = [name for name in names if not wanted or name in wanted]
    progress.advance(f"found {len(chosen)} packages", checked=0, total=len(chosen))
    return {
        "machine": environment.machine(len(names)),
        "names": chosen,
        "packages": Overwrite([]),
    }


def batches(state: InventoryState) -> list[Send] | Literal["sort"]:
    """Have the packages read, so many at a time."""
    names = state["names"]
    size = max(1, state.get("batch_size") or BATCH_SIZE)
    return [
        Send("read", {"names": names[at : at + size], "first": at + 1, "total": len(names)})
        for at in range(0, len(names), size)
    ] or "sort"


def read(state: Names) -> dict[str, Any]:
    """Read the metadata of a batch; a package removed meanwhile is left out."""
    distributions = environment.installed()
    present = [name for name in state["names"] if name in distributions]
    first, last = state["first"], state["first"] + len(state["names"]) - 1
    text = f"read {first} to {last} of {state['total']} packages"
    progress.advance(text, checked=len(state["names"]), total=state["total"])
    return {"packages": [checks.read(name, distributions[name]) for name in present]}


def sort(state: InventoryState) -> dict[str, Any]:
    """Put the packages in the order of their names, whichever batch was first."""
    packages = sorted(state.get("packages", []), key=lambda package: package.name)
    return {"packages": Overwrite(packages)}


builder = StateGraph(InventoryState, input_schema=InventoryInput, output_schema=InventoryOutput)
builder.add_node("list", list_packages)
builder.add_node("read", read)
builder.add_node("sort", sort)
builder.add_edge(START, "list")
builder.add_conditional_edges("list", batches, ["read", "sort"])
builder.add_edge("read", "sort")
builder.add_edge("sort", END)
graph = builder.compile(name="inventory")

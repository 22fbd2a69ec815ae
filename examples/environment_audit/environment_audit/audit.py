"""The audit: list, check in batches, compare, write, ask, publish."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Literal

from langchain_core.runnables import RunnableConfig, RunnableLambda
from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph
from langgraph.types import Overwrite, Send, interrupt
from packaging.utils import canonicalize_name

from environment_audit import checks, inventory, report
from environment_audit.batch import batch
from environment_audit.kinds import AuditInput, AuditState, Batch, BatchResult, Decision

BATCH_SIZE = 20
PREVIEW = 3_000


def list_packages(state: AuditState) -> dict[str, Any]:
    """Find out which packages there are, and forget an earlier audit of this thread."""
    names = list(inventory.installed())
    wanted = {canonicalize_name(name) for name in state.get("only") or []}
    chosen = [name for name in names if not wanted or name in wanted]
    _progress(f"found {len(chosen)} packages", checked=0, total=len(chosen))
    return {
        "machine": inventory.machine(len(names)),
        "names": chosen,
        "packages": Overwrite([]),
        "findings": Overwrite([]),
        "decision": None,
        "published": None,
    }


def batches(state: AuditState) -> list[Send] | Literal["compare"]:
    """Send the packages to the subgraph, so many at a time."""
    names = state["names"]
    size = max(1, state.get("batch_size") or BATCH_SIZE)
    return [
        Send("batch", {"names": names[at : at + size], "first": at + 1, "total": len(names)})
        for at in range(0, len(names), size)
    ] or "compare"


def check_batch(state: Batch) -> BatchResult:
    """Let the subgraph check a batch, then say how far the audit is."""
    result = batch.invoke(state)
    return _checked(state, result)


async def check_batch_async(state: Batch) -> BatchResult:
    """Do the same without blocking the event loop."""
    result = await batch.ainvoke(state)
    return _checked(state, result)


def _checked(state: Batch, result: dict[str, Any]) -> BatchResult:
    # Said here and not in the subgraph, whose events reach only those who ask for subgraphs.
    first, last = state["first"], state["first"] + len(state["names"]) - 1
    text = f"checked {first} to {last} of {state['total']} packages"
    _progress(text, checked=len(state["names"]), total=state["total"])
    return {"packages": result["packages"], "findings": result["findings"]}


def compare(state: AuditState) -> dict[str, Any]:
    """Check the packages against each other: versions, chains, copies."""
    distributions = inventory.installed()
    packages = state.get("packages", [])
    everything = {
        name: [canonicalize_name(item.name) for item in inventory.requirements(distribution)]
        for name, distribution in distributions.items()
    }
    depths = inventory.depths(everything)
    measured = [replace(item, depth=depths.get(item.name, 0)) for item in packages]
    found = checks.requirement_findings(measured, distributions)
    found += checks.depth_findings(measured)
    found += checks.copy_findings(inventory.copies(), state["names"])
    _note("compared versions and requirements")
    return {"packages": Overwrite(measured), "findings": found}


def write(state: AuditState) -> dict[str, Any]:
    """Write the report; it stays in the thread until somebody decides about it."""
    made_at = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return {"report": report.markdown(state, made_at=made_at)}


def ask(state: AuditState, config: RunnableConfig) -> dict[str, Any]:
    """Wait for a person's decision about the report."""
    question = {
        "question": "Publish this report?",
        "title": state.get("title") or "Environment audit",
        "file": f"reports/{_file_name(config)}.md",
        "summary": report.summary(state),
        "preview": state["report"][:PREVIEW],
    }
    return {"decision": interrupt(question, response_schema=Decision)}


def decided(state: AuditState) -> str:
    """Go on to publishing when the report was approved; the reason is kept either way."""
    decision = state.get("decision")
    return "publish" if decision and decision.action == "approve" else END


def publish(state: AuditState, config: RunnableConfig) -> dict[str, Any]:
    """Publish the report under the thread's name; doing it twice leaves one file."""
    path = report.publish(state["report"], name=_thread(config))
    _note(f"published {path.name}")
    return {"published": str(path)}


def _progress(text: str, *, checked: int, total: int) -> None:
    """Tell viewers how many packages this step added; steps run side by side, so they add up."""
    event = {"kind": "progress", "text": text, "checked": checked, "total": total}
    get_stream_writer()(event)


def _note(text: str) -> None:
    get_stream_writer()({"kind": "note", "text": text})


def _thread(config: RunnableConfig) -> str:
    return str(config.get("configurable", {}).get("thread_id") or "report")


def _file_name(config: RunnableConfig) -> str:
    return report.file_name(_thread(config))


builder = StateGraph(AuditState, input_schema=AuditInput)
builder.add_node("list", list_packages)
builder.add_node("batch", RunnableLambda(check_batch, afunc=check_batch_async))
builder.add_node("compare", compare)
builder.add_node("write", write)
builder.add_node("ask", ask)
builder.add_node("publish", publish)
builder.add_edge(START, "list")
builder.add_conditional_edges("list", batches, ["batch", "compare"])
builder.add_edge("batch", "compare")
builder.add_edge("compare", "write")
builder.add_edge("write", "ask")
builder.add_conditional_edges("ask", decided, ["publish", END])
builder.add_edge("publish", END)
graph = builder.compile(name="audit")

"""The report: write down what the analysis found, ask a person, publish."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.graph import END, START, StateGraph
from langgraph.store.base import BaseStore
from langgraph.types import interrupt

from environment_audit import desk, document, progress
from environment_audit.kinds import Decision, ReportInput, ReportState

PREVIEW = 3_000


def collect(_: ReportState, config: RunnableConfig, *, store: BaseStore) -> dict[str, Any]:
    """Take what the analysis left, and forget an earlier decision of this thread."""
    found = desk.take(store, config)
    progress.note(f"took over {len(found['findings'])} findings")
    return {**found, "decision": None, "published": None}


def write(state: ReportState) -> dict[str, Any]:
    """Write the report; it stays in the thread until somebody decides about it."""
    made_at = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return {"report": document.markdown(state, made_at=made_at)}


def ask(state: ReportState, config: RunnableConfig) -> dict[str, Any]:
    """Wait for a person's decision about the report."""
    question = {
        "question": "Publish this report?",
        "title": state.get("title") or "Environment audit",
        "file": f"reports/{document.file_name(_thread(config))}.md",
        "summary": document.summary(state),
        "preview": state["report"][:PREVIEW],
    }
    return {"decision": interrupt(question, response_schema=Decision)}


def decided(state: ReportState) -> str:
    """Go on to publishing when the report was approved; the reason is kept either way."""
    decision = state.get("decision")
    return "publish" if decision and decision.action == "approve" else END


def publish(state: ReportState, config: RunnableConfig) -> dict[str, Any]:
    """Publish the report under the thread's name; doing it twice leaves one file."""
    path = document.publish(state["report"], name=_thread(config))
    progress.note(f"published {path.name}")
    return {"published": str(path)}


def _thread(config: RunnableConfig) -> str:
    return str(config.get("configurable", {}).get("thread_id") or "report")


builder = StateGraph(ReportState, input_schema=ReportInput)
builder.add_node("collect", collect)
builder.add_node("write", write)
builder.add_node("ask", ask)
builder.add_node("publish", publish)
builder.add_edge(START, "collect")
builder.add_edge("collect", "write")
builder.add_edge("write", "ask")
builder.add_conditional_edges("ask", decided, ["publish", END])
builder.add_edge("publish", END)
graph = builder.compile(name="report")

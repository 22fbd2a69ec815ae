"""Graphs whose state pages show: messages, objects, lists, secrets, subgraphs and questions."""

from __future__ import annotations

from operator import add
from typing import Annotated, Any, TypedDict

from langchain_core.messages import AIMessage, AnyMessage
from langgraph.graph import START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.types import Send, interrupt
from pydantic import BaseModel


class Budget(BaseModel):
    """What may be spent."""

    limit: float
    currency: str = "EUR"


class State(TypedDict, total=False):
    """What the review keeps."""

    messages: Annotated[list[AnyMessage], add_messages]
    plan: list[dict[str, Any]]
    notes: Annotated[list[str], add]
    budget: Budget
    draft: str
    api_key: str


def write(state: State) -> State:
    """Write a draft and say so."""
    call = {"name": "crm.lookup", "args": {"customer": 3}, "id": "call-1"}
    return {
        "messages": [AIMessage("I wrote a draft.", id="m2", tool_calls=[call])],
        "draft": f"Dear {len(state.get('notes', []))} readers",
        "plan": [{"id": "a", "status": "open"}, {"id": "b", "status": "open"}],
        "budget": Budget(limit=10.5),
        "notes": ["written"],
    }


def look(_: dict[str, Any]) -> dict[str, Any]:
    """Look at the draft, one level below."""
    return {"notes": ["looked"]}


inner = StateGraph(State).add_node("look", look).add_edge(START, "look").compile()


def check(state: State) -> State:
    """Check the draft by way of a subgraph."""
    inner.invoke({"draft": state["draft"]})
    return {"plan": [{"id": "a", "status": "done"}, {"id": "b", "status": "open"}]}


def approve(state: State) -> State:
    """Ask whether the draft may go out."""
    answer = interrupt({"question": "Send it?", "draft": state["draft"]})
    return {"notes": [f"answered {answer}"]}


def send(state: State) -> State:
    """Send what the draft says."""
    limit = state["budget"].limit
    return {"notes": [f"sent {state['draft']} for {limit}"]}


review = (
    StateGraph(State)
    .add_node("write", write)
    .add_node("check", check)
    .add_node("approve", approve)
    .add_node("send", send)
    .add_edge(START, "write")
    .add_edge("write", "check")
    .add_edge("check", "approve")
    .add_edge("approve", "send")
)


def spread(_: State) -> list[Send]:
    """Send three tasks to one node."""
    return [Send("work", {"draft": f"part {number}"}) for number in range(3)]


fanning = (
    StateGraph(State)
    .add_node("begin", lambda _: {"draft": "begun"})
    .add_node("left", lambda _: {"notes": ["left"]})
    .add_node("right", lambda _: {"api_key": "sk-live-abcdef0123456789"})
    .add_node("work", lambda given: {"notes": [given["draft"]]})
    .add_node("end", lambda _: {"draft": "ended"})
    .add_edge(START, "begin")
    .add_edge("begin", "left")
    .add_edge("begin", "right")
    .add_conditional_edges("left", spread, ["work"])
    .add_edge("work", "end")
)

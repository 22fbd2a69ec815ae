"""A graph that works in rounds, each when its gate opens; browsers watch its thread's page."""

from __future__ import annotations

import asyncio
import os
from operator import add
from pathlib import Path
from typing import Annotated, Any

from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, AnyMessage
from langgraph.config import get_config, get_stream_writer
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.types import interrupt
from pydantic import BaseModel, Field
from typing_extensions import TypedDict


class Decision(BaseModel):
    """The answer to the question at the end."""

    approved: bool = Field(description="Whether the result may be used.")
    note: str = Field(default="", description="Why; kept with the result.")


class Input(TypedDict, total=False):
    """What a run may be told."""

    rounds: Annotated[int, Field(ge=0, le=10_000, description="How often to work.")]
    fail: Annotated[bool, Field(description="Whether to fail in the end.")]
    ask: Annotated[bool, Field(description="Whether to ask a person in the end.")]


class State(Input, total=False):
    """Everything the graph knows."""

    done: int
    trail: Annotated[list[str], add]
    messages: Annotated[list[AnyMessage], add_messages]
    looked: bool
    decision: Decision
    api_key: str


async def opened(number: int) -> None:
    """Wait until the test lets this thread's round begin; a thread without a gate never waits.

    A gate is a file, so that it stays as it is when the server is killed.
    """
    gate = Path(os.environ.get("CONSOLE_GATES", "")) / get_config()["configurable"]["thread_id"]
    while gate.is_file() and int(gate.read_text()) < number:  # noqa: ASYNC110  # no event crosses
        await asyncio.sleep(0.01)


def plan(state: State) -> State:
    """Forget what an earlier run did."""
    return {"done": 0, "trail": ["plan"], "api_key": "sk-canary-0123456789"}


async def work(state: State) -> State:
    """Do one round and say so."""
    number = state.get("done", 0) + 1
    await opened(number)
    get_stream_writer()({"round": number})
    return {"done": number, "trail": [f"round {number}"]}


def more(state: State) -> str:
    """Go on until the rounds are done."""
    return "work" if state.get("done", 0) < state.get("rounds", 2) else "review"


class Review(TypedDict, total=False):
    """What the subgraph is told and what it says."""

    done: int
    looked: bool


def look(state: Review) -> Review:
    """Look at the rounds, one level down."""
    return {"looked": True}


def talk(state: State) -> dict[str, Any]:
    """Say what was done, token by token."""
    said = f"All {state.get('done', 0)} rounds are done and nothing is left to do."
    model = GenericFakeChatModel(messages=iter([AIMessage(said)]))
    return {"messages": [model.invoke("What was done?")]}


def end(state: State) -> State:
    """Fail, ask or end, as the input says."""
    if state.get("fail"):
        raise LookupError("The address https://user:hunter2@example.invalid/ does not answer.")
    if state.get("ask"):
        question = {"question": "Use this result?", "rounds": state.get("done", 0)}
        return {"decision": interrupt(question, response_schema=Decision)}
    return {}


review = StateGraph(Review).add_node("look", look).add_edge(START, "look").add_edge("look", END)
pipeline = (
    StateGraph(State, input_schema=Input)
    .add_node("plan", plan)
    .add_node("work", work)
    .add_node("review", review.compile())
    .add_node("talk", talk)
    .add_node("end", end)
    .add_edge(START, "plan")
    .add_edge("plan", "work")
    .add_conditional_edges("work", more, ["work", "review"])
    .add_edge("review", "talk")
    .add_edge("talk", "end")
    .add_edge("end", END)
)

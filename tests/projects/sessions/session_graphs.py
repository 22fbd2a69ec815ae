"""A graph that does what its input says: gives, asks, fails; and what it did is counted."""

from __future__ import annotations

import os
import sqlite3
import threading
from typing import Any, TypedDict

from langchain_core.runnables import RunnableConfig
from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt

# By thread, in the order of the beginnings.
done: list[str] = []
seen: dict[str, dict[str, Any]] = {}
guard = threading.Lock()


class Input(TypedDict, total=False):
    """What a task is told."""

    fail: bool
    ask: bool
    give: Any
    taken: Any
    number: int
    out: Any


class Output(TypedDict, total=False):
    """What a task hands over."""

    out: Any
    nothing: None


class State(Input, Output, total=False):
    """Both."""


def note(thread: str) -> None:
    """Count the effect outside, as a mail or a payment would be."""
    path = os.environ.get("SESSION_EFFECTS")
    if path:
        with sqlite3.connect(path, timeout=30) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS effect (thread TEXT)")
            connection.execute("INSERT INTO effect VALUES (?)", (thread,))
        connection.close()


def work(state: State, config: RunnableConfig) -> State:
    """Do what the input says."""
    thread = config["configurable"]["thread_id"]
    with guard:
        done.append(thread)
        seen[thread] = {**state, "session_id": config["configurable"].get("session_id")}
    note(thread)
    if state.get("fail"):
        raise LookupError("as told")
    if state.get("ask"):
        return {"out": interrupt({"question": "what?"}), "nothing": None}
    return {"out": state.get("give", state.get("taken")), "nothing": None}


def pause(_: State) -> State:
    """Take a moment, so that a process can be killed in it."""
    threading.Event().wait(float(os.environ.get("SESSION_STEP_SECONDS", "0")))
    return {}


def built() -> StateGraph:
    """Return the builder of a task."""
    builder = StateGraph(State, input_schema=Input, output_schema=Output)
    builder.add_node("pause", pause)
    builder.add_node("work", work)
    builder.add_edge(START, "pause")
    builder.add_edge("pause", "work")
    builder.add_edge("work", END)
    return builder


task = built().compile(name="task")
other = built().compile(name="other")


class Words(TypedDict, total=False):
    """A state without anything a task knows."""

    words: str


text = (
    StateGraph(Words)
    .add_node("speak", lambda state: {"words": state.get("words", "") + "!"})
    .add_edge(START, "speak")
    .compile(name="text")
)

"""Graphs that the engine's tests execute; what they did is counted in an outside table."""

from __future__ import annotations

import asyncio
import http
import os
import sqlite3
import threading
from operator import add
from typing import Annotated, Any, TypedDict

from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langgraph.config import get_config, get_stream_writer
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.store.base import BaseStore
from langgraph.types import Send, interrupt

# Set by tests in the same process: nodes wait here until the test lets them go.
gates: dict[str, threading.Event] = {}
reached: dict[str, threading.Event] = {}


class State(TypedDict, total=False):
    """What all these graphs keep."""

    count: int
    steps: int
    trail: Annotated[list[str], add]
    value: Any


def note(effect: str) -> None:
    """Count an effect outside ThreadHub, as a mail or a payment would be."""
    path = os.environ.get("ENGINE_EFFECTS")
    if path:
        with sqlite3.connect(path, timeout=30) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS effect (thread TEXT, name TEXT)")
            thread = get_config()["configurable"]["thread_id"]
            connection.execute("INSERT INTO effect VALUES (?, ?)", (thread, effect))
        connection.close()


async def step(state: State) -> State:
    """Take one step and say so."""
    number = state.get("count", 0) + 1
    note(f"step {number}")
    get_stream_writer()({"step": number})
    await asyncio.sleep(float(os.environ.get("ENGINE_STEP_SECONDS", "0")))
    return {"count": number, "trail": [f"step {number}"]}


def more(state: State) -> str:
    """Go on until the wanted number of steps is reached."""
    return "step" if state["count"] < state.get("steps", 3) else END


steps = StateGraph(State).add_node("step", step).add_edge(START, "step")
steps.add_conditional_edges("step", more, ["step", END])


def ask(state: State) -> State:
    """Ask two questions, one after the other, in one node."""
    first = interrupt({"question": "first?"}, response_schema={"type": "string"})
    second = interrupt({"question": "second?"})
    gate("asked")
    return {"trail": [f"{first}+{second}"]}


inner = StateGraph(State).add_node("ask", ask).add_edge(START, "ask").compile()
asking = (
    StateGraph(State)
    .add_node("before", lambda _: {"trail": ["before"]})
    .add_node("inner", inner)
    .add_edge(START, "before")
    .add_edge("before", "inner")
)


def fail(_: State) -> State:
    """Fail with a message that holds a secret."""
    raise LookupError("no answer from https://user:hunter2@example.invalid/path")


failing = StateGraph(State).add_node("fail", fail).add_edge(START, "fail")


async def wait(_: State) -> State:
    """Wait for ever, cancellably."""
    reached.setdefault("wait", threading.Event()).set()
    await asyncio.Event().wait()
    return {}


waiting = StateGraph(State).add_node("wait", wait).add_edge(START, "wait")


def gate(name: str) -> None:
    """Tell the test that the node is here, and stay until the test opens the gate."""
    if name in gates:
        reached.setdefault(name, threading.Event()).set()
        gates[name].wait(30)


def block(state: State) -> State:
    """Hold the thread until the test lets go, then write."""
    note("block")
    gate("block")
    return {"trail": [f"blocked {state.get('count', 0)}"]}


blocking = (
    StateGraph(State)
    .add_node("block", block)
    .add_node("after", lambda _: {"trail": ["after"]})
    .add_edge(START, "block")
    .add_edge("block", "after")
)


def store_foreign(_: State) -> State:
    """Write a value of a type that the strict store cannot read back."""
    return {"value": [http.HTTPStatus.OK]}


foreign = StateGraph(State).add_node("store", store_foreign).add_edge(START, "store")

breaking = (
    StateGraph(State)
    .add_node("one", lambda _: {"trail": ["one"]})
    .add_node("two", lambda _: {"trail": ["two"]})
    .add_edge(START, "one")
    .add_edge("one", "two")
    .compile(interrupt_before=["two"])
)


def talk(_: MessagesState) -> dict[str, Any]:
    """Answer with a few words, token by token."""
    model = GenericFakeChatModel(messages=iter([AIMessage("one two three four five")]))
    return {"messages": [model.invoke("hello")]}


chatting = StateGraph(MessagesState).add_node("talk", talk).add_edge(START, "talk")


async def recall(state: State, *, store: BaseStore) -> State:
    """Say what this person's runs stored last."""
    known = await store.aget(("facts",), "word")
    return {"trail": [f"knew {known.value['word'] if known else 'nothing'}"]}


def remember(state: State, *, store: BaseStore) -> State:
    """Store a word for the person, and say what a search finds then."""
    gate("remember")
    store.put(("facts",), "word", {"word": state.get("value")})
    found = store.search((), query="which word?", filter={"word": {"$ne": None}})
    return {"trail": [f"found {len(found)}"]}


# As a subgraph, which gets the store of the graph around it.
noting = StateGraph(State).add_node("remember", remember).add_edge(START, "remember").compile()
remembering = (
    StateGraph(State)
    .add_node("recall", recall)
    .add_node("noting", lambda state: {"trail": noting.invoke({"value": state["value"]})["trail"]})
    .add_edge(START, "recall")
    .add_edge("recall", "noting")
)

shouting = StateGraph(State).add_node("shout", lambda _: {"trail": ["!"]})
shouting = shouting.add_edge(START, "shout").compile()
# Three subgraphs at the same time.
fanning = (
    StateGraph(State)
    .add_node("split", lambda _: {"count": 3})
    .add_node("part", shouting)
    .add_node("join", lambda _: {"trail": ["joined"]})
    .add_edge(START, "split")
    .add_conditional_edges("split", lambda _: [Send("part", {}) for _ in range(3)], ["part"])
    .add_edge("part", "join")
)

"""Small graphs for the tests of the HTTP interface; everything they do is decided by the test."""

import asyncio
import operator
import time
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated, TypedDict

from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langgraph.config import get_stream_writer
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.types import interrupt
from pydantic import BaseModel

POLL_SECONDS = 0.01


class Color(Enum):
    RED = "red"


class Text(TypedDict, total=False):
    text: str
    count: Annotated[int, operator.add]


class Gated(TypedDict, total=False):
    gate: str
    done: bool


class Answers(TypedDict, total=False):
    subject: str
    answers: Annotated[list[str], operator.add]


def one_node(state: type, node: object, name: str) -> object:
    builder = StateGraph(state)
    builder.add_node(name, node)
    builder.add_edge(START, name)
    builder.add_edge(name, END)
    return builder.compile()


def say(state: Text) -> Text:
    return {"text": state.get("text", "").upper(), "count": 1}


def talk(state: MessagesState) -> MessagesState:
    write = get_stream_writer()
    write({"progress": 0.5})
    model = GenericFakeChatModel(messages=iter([AIMessage("three short words")]))
    return {"messages": [model.invoke(state["messages"])]}


def fail(state: Text) -> Text:
    raise LookupError(f"no such page: {state.get('text')} (token=abcdef123456)")


def ask(state: Answers) -> Answers:
    schema = {"properties": {"ok": {"type": "boolean"}}}
    return {"answers": [str(interrupt({"about": state["subject"]}, response_schema=schema))]}


def ask_left(state: Answers) -> Answers:
    return {"answers": [f"left {interrupt('left?')}"]}


def ask_right(state: Answers) -> Answers:
    return {"answers": [f"right {interrupt('right?')}"]}


async def wait(state: Gated) -> Gated:
    get_stream_writer()("waiting")
    while not Path(state["gate"]).exists():  # noqa: ASYNC110, ASYNC240  # a file is the gate
        await asyncio.sleep(POLL_SECONDS)
    return {"done": True}


def wait_blocking(state: Gated) -> Gated:
    while not Path(state["gate"]).exists():
        time.sleep(POLL_SECONDS)
    return {"done": True}


def grow(state: Text) -> Text:
    return {"text": state["text"] * 20_000, "count": 1}


@dataclass
class Part:
    name: str
    color: Color


class Order(BaseModel):
    parts: list[Part] = []
    note: str = ""


def assemble(state: Order) -> dict[str, object]:
    return {"parts": [Part("wheel", Color.RED)] * 3, "note": state.note * 20_000}


def two_questions() -> object:
    builder = StateGraph(Answers)
    for name, node in (("left", ask_left), ("right", ask_right)):
        builder.add_node(name, node)
        builder.add_edge(START, name)
        builder.add_edge(name, END)
    return builder.compile()


echo = one_node(Text, say, "say")
chat = one_node(MessagesState, talk, "talk")
fails = one_node(Text, fail, "fail")
asks = one_node(Answers, ask, "ask")
asks_twice = two_questions()
waits = one_node(Gated, wait, "wait")
waits_blocking = one_node(Gated, wait_blocking, "wait")
large = one_node(Text, grow, "grow")
typed = one_node(Order, assemble, "assemble")
nested = one_node(Answers, asks, "inner")

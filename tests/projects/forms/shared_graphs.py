"""The one graph that most forms export: it asks a question, then finishes."""

from __future__ import annotations

import os
from typing import Annotated, Any, TypedDict

from forms_types import Card, Color, Point
from langgraph.graph import START, StateGraph
from langgraph.types import interrupt


def joined(old: list[str], new: list[str]) -> list[str]:
    return [*old, *new]


class State(TypedDict, total=False):
    number: int
    trail: Annotated[list[str], joined]
    anything: Any


def prepare(state: State) -> State:
    greeting = os.environ["FORMS_GREETING"]
    things = {"card": Card(title=greeting, color=Color.BLUE), "point": Point(1, 2)}
    return {"trail": ["prepared"], "anything": [Color.RED, things]}


def ask(state: State) -> State:
    answer = interrupt({"question": "go on?"})
    # What was stored before the pause comes back as what it was.
    color, things = state["anything"]
    kinds = [type(thing).__name__ for thing in (color, things["card"], things["point"])]
    return {"trail": [f"answered {answer}", "+".join(kinds)]}


def asking() -> StateGraph[Any, Any, Any, Any]:
    builder = StateGraph(State).add_node("prepare", prepare).add_node("ask", ask)
    return builder.add_edge(START, "prepare").add_edge("prepare", "ask")

"""The graph that must not suffer from its neighbors."""

from __future__ import annotations

from typing import TypedDict

from langgraph.graph import START, StateGraph


class State(TypedDict):
    number: int


def builder() -> StateGraph:
    return StateGraph(State).add_node("add", lambda s: s).add_edge(START, "add")


graph = builder().compile()
number = 3

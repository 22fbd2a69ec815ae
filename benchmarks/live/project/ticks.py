"""A graph that emits events at a steady pace."""

from __future__ import annotations

import asyncio
from typing import Any, TypedDict

from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph


class State(TypedDict, total=False):
    count: int
    size: int
    pause: float


async def tick(state: State) -> dict[str, Any]:
    write = get_stream_writer()
    for number in range(state["count"]):
        write({"number": number, "text": "x" * state.get("size", 100)})
        await asyncio.sleep(state.get("pause", 0.05))
    return {}


graph = StateGraph(State).add_node("tick", tick).add_edge(START, "tick").add_edge("tick", END)

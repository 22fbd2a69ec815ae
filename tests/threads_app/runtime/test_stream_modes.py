"""Modes made from what is stored anyway: the same as LangGraph's own."""

from __future__ import annotations

import operator
from typing import Annotated, Any, TypedDict

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph
from langgraph.types import Command, Send, interrupt

from threadhub.kernel.ids import new_id
from threads_app.graphs.encoding import plain
from threads_app.runtime.messages import Accumulator
from threads_app.runtime.translating import Translator


class State(TypedDict, total=False):
    trail: Annotated[list[str], operator.add]


def stepping(*, checkpointer: Any = None) -> Any:
    """Two steps in a row; the second asks."""
    return (
        StateGraph(State)
        .add_node("one", lambda _: {"trail": ["one"]})
        .add_node("two", lambda _: {"trail": [interrupt("go on?")]})
        .add_edge(START, "one")
        .add_edge("one", "two")
        .compile(checkpointer=checkpointer)
    )


def fanning(*, checkpointer: Any = None) -> Any:
    """One step that starts three tasks, and one after them."""
    sends = [Send("each", {"trail": []}) for _ in range(3)]
    return (
        StateGraph(State)
        .add_node("plan", lambda _: {"trail": ["plan"]})
        .add_node("each", lambda _: {"trail": ["each"]})
        .add_node("last", lambda _: {"trail": ["last"]})
        .add_edge(START, "plan")
        .add_conditional_edges("plan", lambda _: sends, ["each"])
        .add_edge("each", "last")
        .compile(checkpointer=checkpointer)
    )


def around(inner: Any) -> Any:
    builder = StateGraph(State).add_node("inner", inner).add_edge(START, "inner")
    return builder.compile(checkpointer=InMemorySaver())


GRAPHS = {
    "steps": lambda: stepping(checkpointer=InMemorySaver()),
    "fan": lambda: fanning(checkpointer=InMemorySaver()),
    "subgraph": lambda: around(stepping()),
    "subgraph without checkpoints": lambda: around(fanning(checkpointer=False)),
}


@pytest.mark.parametrize("name", GRAPHS)
async def test_debug_is_what_langgraph_yields(name: str) -> None:
    graph, own, ours = GRAPHS[name](), [], []
    config: Any = {"configurable": {"thread_id": "t"}}
    for given in ({"trail": ["in"]}, Command(resume="yes")):
        translator = Translator(requested=["debug"], run_id=str(new_id()))
        modes = ["tasks", "checkpoints", "debug"]
        stream = graph.astream(given, config, stream_mode=modes, subgraphs=True)
        async for namespace, mode, data in stream:
            if mode == "debug":
                own.append(("|".join(namespace), plain(data)))
                continue
            items = translator.translate(namespace, mode, data)
            shown = [item for item in items if item.kind == "debug"]
            ours += [(item.payload["ns"], item.payload["data"]) for item in shown]

    for _, entry in (*own, *ours):
        assert entry.pop("timestamp")
    assert len(own) > 4
    assert ours == own


def dumped(message: Any) -> dict[str, Any]:
    found: dict[str, Any] = plain(message)
    return found


def test_tokens_grow_into_the_message_with_its_tool_calls() -> None:
    call = {"name": "look", "id": "c1", "index": 0, "type": "tool_call_chunk"}
    chunks = [
        AIMessageChunk("Let me ", id="m"),
        AIMessageChunk("see", id="m", tool_call_chunks=[{**call, "args": '{"at": '}]),  # type: ignore[list-item,typeddict-item]
        AIMessageChunk(
            "",
            id="m",
            tool_call_chunks=[{**call, "name": None, "id": None, "args": '"it"}'}],  # type: ignore[list-item,typeddict-item]
            usage_metadata={"input_tokens": 3, "output_tokens": 2, "total_tokens": 5},
        ),
    ]
    messages = Accumulator()
    grown = [messages.grown(dumped(chunk), is_chunk=True) for chunk in chunks]

    assert [message["content"] for message in grown] == ["Let me ", "Let me see", "Let me see"]
    assert {message["type"] for message in grown} == {"ai"}
    (made,) = grown[-1]["tool_calls"]
    assert (made["name"], made["args"], made["id"]) == ("look", {"at": "it"}, "c1")
    assert grown[-1]["usage_metadata"]["total_tokens"] == 5


def test_messages_of_different_ids_do_not_mix() -> None:
    messages = Accumulator()
    first, second = AIMessageChunk("a", id="1"), AIMessageChunk("b", id="2")
    whole = HumanMessage("c", id="3")

    assert [messages.is_new(dumped(message)) for message in (first, second, first)] == [
        True,
        True,
        False,
    ]
    assert messages.grown(dumped(first), is_chunk=True)["content"] == "a"
    assert messages.grown(dumped(second), is_chunk=True)["content"] == "b"
    assert messages.grown(dumped(whole), is_chunk=False) == dumped(whole)
    assert messages.grown(dumped(AIMessage("d", id="1")), is_chunk=False)["content"] == "d"

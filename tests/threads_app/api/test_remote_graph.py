"""LangGraph's RemoteGraph: our graphs as if they were local ones, on both databases."""

from __future__ import annotations

import operator
import os
import uuid
from typing import Annotated, Any, TypedDict

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.pregel.remote import RemoteException, RemoteGraph
from langgraph.types import Command

from services.threadhub_process import ThreadHubProcess

pytestmark = pytest.mark.both_databases

HELLO = {"messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture
def remote(address: str, keys: dict[str, str]) -> Any:
    """Return a function that makes the remote form of a graph."""

    def make(name: str) -> RemoteGraph:
        return RemoteGraph(name, url=address, api_key=keys["operator"])

    return make


def a_thread() -> Any:
    return {"configurable": {"thread_id": str(uuid.uuid4())}}


def test_the_server_is_on_the_database_of_the_suite(server: ThreadHubProcess) -> None:
    on_postgres = os.environ.get("THREADHUB_TEST_DATABASE") == "postgres"

    assert (server.var / "threadhub.sqlite3").exists() != on_postgres


def test_it_is_drawn(remote: Any) -> None:
    drawn = remote("nested").get_graph()

    assert set(drawn.nodes) == {"__start__", "inner", "__end__"}
    assert {(edge.source, edge.target) for edge in drawn.edges} == {
        ("__start__", "inner"),
        ("inner", "__end__"),
    }
    assert "inner:ask" in remote("nested").get_graph(xray=True).nodes


def test_it_is_invoked_with_and_without_a_thread(remote: Any) -> None:
    config = a_thread()

    assert remote("echo").invoke({"text": "x"})["text"] == "X"
    assert remote("echo").invoke({"text": "x"}, config)["count"] == 1
    assert remote("echo").invoke({"text": "y"}, config) == {"text": "Y", "count": 2}
    with pytest.raises(RemoteException, match="LookupError"):
        remote("fails").invoke({"text": "x"}, a_thread())


def test_it_streams(remote: Any) -> None:
    chat = remote("chat")
    updates = list(chat.stream(HELLO, a_thread(), stream_mode="updates"))
    tokens = list(chat.stream(HELLO, a_thread(), stream_mode="messages"))
    several = [
        part.event for part in chat.stream(HELLO, a_thread(), stream_mode=["custom", "values"])
    ]

    assert updates[0].keys() == {"talk"}
    assert "".join(chunk["content"] for chunk, _ in tokens) == "three short words"
    assert {"custom", "values"} == set(several)


def test_it_streams_its_subgraphs(remote: Any) -> None:
    config = a_thread()
    modes = ["values", "updates", "debug", "tasks"]
    parts = list(
        remote("nested").stream({"subject": "x"}, config, stream_mode=modes, subgraphs=True)
    )

    assert {mode for _, mode, _ in parts} >= {"values", "updates", "debug", "tasks"}
    assert any(where and where[0].startswith("inner:") for where, _, _ in parts)


def test_it_asks_and_is_answered(remote: Any) -> None:
    asks, config = remote("nested"), a_thread()
    asked = asks.invoke({"subject": "x"}, config)
    state = asks.get_state(config, subgraphs=True)
    answered = asks.invoke(Command(resume="yes"), config)

    assert asked["__interrupt__"][0]["value"] == {"about": "x"}
    assert state.next == ("inner",)
    assert state.interrupts[0].value == {"about": "x"}
    assert state.tasks[0].state.values["subject"] == "x"
    assert answered["answers"] == ["yes"]
    assert asks.get_state(config).next == ()


def test_its_state_is_read_and_changed(remote: Any) -> None:
    echo, config = remote("echo"), a_thread()
    echo.invoke({"text": "x"}, config)
    before = echo.get_state(config)
    place = echo.update_state(config, {"text": "changed"}, as_node="say")
    history = list(echo.get_state_history(config, limit=10))

    assert before.values == {"text": "X", "count": 1}
    assert echo.get_state(place).values["text"] == "changed"
    assert echo.get_state(before.config).values == before.values
    assert [state.metadata["source"] for state in history] == ["update", "loop", "loop", "input"]
    (older,) = echo.get_state_history(config, limit=1, before=history[0].config)
    assert older.config == before.config


async def test_it_does_the_same_asynchronously(remote: Any) -> None:
    asks, config = remote("asks"), a_thread()
    asked = await asks.ainvoke({"subject": "x"}, config)
    state = await asks.aget_state(config)
    answered = [
        part async for part in asks.astream(Command(resume="y"), config, stream_mode="updates")
    ]
    history = [state async for state in asks.aget_state_history(config, limit=10)]
    drawn = await asks.aget_graph()

    assert asked["__interrupt__"][0]["value"] == {"about": "x"}
    assert state.next == ("ask",)
    assert answered == [{"ask": {"answers": ["y"]}}]
    assert history[0].values["answers"] == ["y"]
    assert "ask" in drawn.nodes


class Text(TypedDict, total=False):
    text: str
    count: Annotated[int, operator.add]


class Answers(TypedDict, total=False):
    subject: str
    answers: Annotated[list[str], operator.add]


def around(state: Any, node: Any) -> Any:
    builder = StateGraph(state).add_node("remote", node).add_edge(START, "remote")
    return builder.compile(checkpointer=InMemorySaver())


class TestInsideAParentGraph:
    def test_it_is_a_node_like_any(self, remote: Any) -> None:
        parent, config = around(Text, remote("echo")), a_thread()

        assert parent.invoke({"text": "x"}, config)["text"] == "X"
        assert parent.get_state(config).values["text"] == "X"

    def test_its_tokens_reach_the_parents_stream(self, remote: Any) -> None:
        parent = around(MessagesState, remote("chat"))
        parts = list(
            parent.stream(HELLO, a_thread(), stream_mode=["messages", "custom"], subgraphs=True)
        )

        tokens = [data[0]["content"] for where, mode, data in parts if mode == "messages"]
        assert "".join(tokens) == "three short words"
        assert [data for _, mode, data in parts if mode == "custom"] == [{"progress": 0.5}]
        assert all(where and where[0].startswith("remote:") for where, _, _ in parts)

    def test_its_question_stops_the_parent(self, remote: Any) -> None:
        parent, config = around(Answers, remote("asks")), a_thread()
        asked = parent.invoke({"subject": "x"}, config)

        assert asked["__interrupt__"][0].value == {"about": "x"}
        assert parent.get_state(config).next == ("remote",)

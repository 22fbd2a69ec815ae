"""A saver on the test database, and states to store."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.checkpoint.base import Checkpoint, empty_checkpoint
from langgraph.checkpoint.base.id import uuid6
from langgraph.graph import START, MessagesState, StateGraph

from checkpoints_app import storage
from checkpoints_app.saver import ThreadHubSaver
from checkpoints_app.store import ThreadHubStore


@pytest.fixture
def saver(transactional_db: None) -> Iterator[ThreadHubSaver]:
    saver = ThreadHubSaver()
    yield saver
    saver.close()


@pytest.fixture
def key() -> str:
    return str(uuid.uuid4())


@pytest.fixture
def config(key: str) -> dict[str, Any]:
    return {"configurable": {"thread_id": key, "checkpoint_ns": ""}}


@pytest.fixture
def make_checkpoint() -> Callable[..., tuple[Checkpoint, dict[str, str]]]:
    """Return a function that makes a checkpoint of these values, all of them new."""
    count = 0

    def make(*, named: str | None = None, **values: Any) -> tuple[Checkpoint, dict[str, str]]:
        nonlocal count
        count += 1
        versions = dict.fromkeys(values, f"{count:032}.0")
        checkpoint = empty_checkpoint()
        checkpoint.pop("pending_sends", None)
        checkpoint.update(
            v=4,
            id=named or str(uuid6(clock_seq=count)),
            channel_values=values,
            channel_versions=versions,
        )
        return checkpoint, versions

    return make


@pytest.fixture
def chat() -> StateGraph[Any]:
    """Return a graph that answers each message."""

    def answer(state: MessagesState) -> dict[str, Any]:
        text = f"Answer {len(state['messages'])}: {state['messages'][-1].text}"
        return {"messages": [AIMessage(text * 3, id=str(uuid.uuid4()))]}

    return StateGraph(MessagesState).add_node("answer", answer).add_edge(START, "answer")


@pytest.fixture
def say() -> Callable[[Any, dict[str, Any], int], None]:
    """Return a function that sends messages to a chat."""

    def send(graph: Any, config: dict[str, Any], times: int = 1) -> None:
        for turn in range(times):
            question = f"Question {turn}, and how it goes on"
            # Reducers give ids to messages that lack one, while these are being stored.
            message = HumanMessage(question, id=str(uuid.uuid4()))
            graph.invoke({"messages": [message]}, config)

    return send


@pytest.fixture
def people(transactional_db: None) -> Callable[..., Any]:
    """Return a function that returns somebody by name, made if need be."""

    def person(name: str, **rights: Any) -> Any:
        return get_user_model().objects.get_or_create(username=name, defaults=rights)[0]

    return person


@pytest.fixture
def store_of(people: Callable[..., Any]) -> Iterator[Callable[[str], ThreadHubStore]]:
    """Return a function that returns somebody's store."""
    yield lambda name: ThreadHubStore().for_actor(people(name).pk)
    storage.reset()


@pytest.fixture
def store(store_of: Callable[[str], ThreadHubStore]) -> ThreadHubStore:
    """Return olga's store."""
    return store_of("olga")

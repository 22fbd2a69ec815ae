"""Every call is mirrored into InMemorySaver; then the two histories must be equal."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, RemoveMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import Command, interrupt

from checkpoints_app.saver import ThreadHubSaver

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]


def new_id() -> str:
    return str(uuid.uuid4())


class MirroredSaver(ThreadHubSaver):
    """Also writes to a saver in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.mirror = InMemorySaver()

    def put(self, config: Any, checkpoint: Any, metadata: Any, new_versions: Any) -> Any:
        self.mirror.put(config, checkpoint, metadata, new_versions)
        return super().put(config, checkpoint, metadata, new_versions)

    def put_writes(self, config: Any, writes: Any, task_id: str, task_path: str = "") -> None:
        self.mirror.put_writes(config, writes, task_id, task_path)
        super().put_writes(config, writes, task_id, task_path)


def comparable(found: Any) -> dict[str, Any]:
    parts: dict[str, Any] = found._asdict()
    parts["checkpoint"] = dict(parts["checkpoint"])
    parts["metadata"] = dict(parts["metadata"])
    return parts


def assert_equal_histories(saver: MirroredSaver, config: dict[str, Any]) -> None:
    def by_place(found: Any) -> tuple[str, str]:
        place = found.config["configurable"]
        return place["checkpoint_ns"], place["checkpoint_id"]

    stored = sorted(saver.list(config), key=by_place)
    expected = sorted(saver.mirror.list(config), key=by_place)
    assert [comparable(found) for found in stored] == [comparable(found) for found in expected]


@pytest.fixture
def mirrored(saver: ThreadHubSaver) -> MirroredSaver:
    return MirroredSaver()


def test_histories_are_equal_through_edits_removals_forks_and_cold_caches(
    mirrored: MirroredSaver, chat: Any, say: Any, key: str
) -> None:
    graph = chat.compile(checkpointer=mirrored)
    config = {"configurable": {"thread_id": key}}

    say(graph, config, 12)
    history = list(graph.get_state_history(config))
    messages = history[0].values["messages"]
    edited = AIMessage("edited", id=messages[-1].id)
    graph.update_state(config, {"messages": [edited]}, as_node="answer")
    graph.update_state(config, {"messages": [RemoveMessage(id=messages[3].id)]}, as_node="answer")
    say(graph, config, 2)
    for at in (8, 19):
        fork = {"messages": [HumanMessage("fork", id=new_id())]}
        graph.invoke(None, graph.update_state(history[at].config, fork, as_node="__start__"))
    mirrored.close()
    say(graph, config, 2)

    assert_equal_histories(mirrored, config)
    mirrored.close()
    assert_equal_histories(mirrored, config)


def test_histories_are_equal_with_subgraphs_interrupts_and_answers(
    mirrored: MirroredSaver, key: str
) -> None:
    def ask(state: MessagesState) -> dict[str, Any]:
        return {"messages": [HumanMessage(interrupt({"question": "go on?"}), id=new_id())]}

    inner = StateGraph(MessagesState).add_node("ask", ask).add_edge(START, "ask").compile()
    outer = StateGraph(MessagesState).add_node("inner", inner).add_edge(START, "inner")
    graph = outer.compile(checkpointer=mirrored)
    config = {"configurable": {"thread_id": key}}

    for turn in range(2):
        graph.invoke({"messages": [HumanMessage(f"turn {turn}", id=new_id())]}, config)
        assert graph.get_state(config).interrupts
        graph.invoke(Command(resume=f"yes {turn}"), config)

    assert_equal_histories(mirrored, config)
    assert (
        len({found.config["configurable"]["checkpoint_ns"] for found in mirrored.list(config)}) == 3
    )


@pytest.mark.parametrize("durability", ["sync", "async", "exit"])
async def test_histories_are_equal_for_async_runs(
    saver: ThreadHubSaver, chat: Any, key: str, durability: Any
) -> None:
    memory = InMemorySaver()
    config = {"configurable": {"thread_id": key}}

    for checkpointer in (saver, memory):
        graph = chat.compile(checkpointer=checkpointer)
        for turn in range(3):
            message = HumanMessage(f"turn {turn}", id=f"h{turn}")
            await graph.ainvoke({"messages": [message]}, config, durability=durability)

    texts = [
        [[message.text for message in state.values.get("messages", [])] async for state in history]
        for history in (
            chat.compile(checkpointer=checkpointer).aget_state_history(config)
            for checkpointer in (saver, memory)
        )
    ]
    assert texts[0] == texts[1]

"""List channels as append logs: any sequence of versions comes back, and appending is cheap."""

from __future__ import annotations

import functools
import operator
from typing import Annotated, Any, TypedDict

import pytest
from django.db.models import Sum
from django.db.models.functions import Length
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.channels.delta import DeltaChannel
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.types import _DeltaSnapshot
from langgraph.graph import START, StateGraph

from checkpoints_app.models import Blob, LogItem
from checkpoints_app.saver import ThreadHubSaver

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]


def texts(numbers: list[int]) -> list[str]:
    return [f"element {number} " * 6 for number in numbers]


class TestLists:
    @pytest.fixture
    def versions(self, saver: ThreadHubSaver, config: Any, make_checkpoint: Any) -> Any:
        """Return a function that stores list versions one after the other and reads them back."""

        def check(lists: list[list[int]], *, cold: bool) -> None:
            under = {"configurable": {**config["configurable"], "thread_id": f"t{id(lists)}"}}
            stored = []
            for numbers in lists:
                checkpoint, new = make_checkpoint(items=texts(numbers))
                under = saver.put(under, checkpoint, {"source": "loop"}, new)
                stored.append((under, texts(numbers)))
                if cold:
                    saver.close()
            for place, expected in stored:
                found = saver.get_tuple(place)
                assert found is not None
                assert found.checkpoint["channel_values"] == {"items": expected}

        return check

    @pytest.mark.parametrize("cold", [False, True])
    @pytest.mark.parametrize(
        "lists",
        [
            [[*range(at)] for at in range(1, 12)],
            [[*range(10)], [*range(9), 99], [*range(9), 98], [*range(9), 97, 96]],
            [[*range(20)], [*range(15)], [*range(15), 1, 2], [*range(6)], [*range(20)]],
            [[*range(at, at + 8)] for at in range(6)],
            [[*range(10)], [], [*range(10)], [*range(11)]],
            [[*range(30)]] + [[*range(30 - at), 100 + at] for at in range(1, 25)],
            [[1], [1, 1], [1, 1, 1], [1, 1], [1, 1, 2]],
        ],
    )  # fmt: skip
    def test_of_any_history_come_back(self, versions: Any, lists: Any, cold: bool) -> None:
        versions(lists, cold=cold)

    @settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        st.lists(
            st.tuples(st.integers(0, 12), st.lists(st.integers(0, 3), max_size=6)), max_size=8
        ),
        st.booleans(),
    )
    def test_cut_and_extended_at_random_come_back(
        self, versions: Any, edits: list[tuple[int, list[int]]], cold: bool
    ) -> None:
        lists = [[*range(8)]]
        for cut, more in edits:
            lists.append(lists[-1][:cut] + more)

        versions(lists, cold=cold)

    def test_grow_by_what_is_appended(
        self, saver: ThreadHubSaver, chat: Any, say: Any, config: Any
    ) -> None:
        graph = chat.compile(checkpointer=saver)
        sizes = []
        for _ in range(3):
            say(graph, config, 15)
            sizes.append(Blob.objects.aggregate(total=Sum(Length("data")))["total"])

        assert sizes[2] - sizes[1] < 1.5 * (sizes[1] - sizes[0])
        assert LogItem.objects.count() == 90


class TestDeltaChannels:
    @staticmethod
    def graph(frequency: int) -> StateGraph[Any]:
        def join(state: Any, writes: Any) -> list[Any]:
            return functools.reduce(operator.add, writes, list(state or []))

        channel = DeltaChannel(join, list, snapshot_frequency=frequency)
        State = TypedDict("State", {"messages": Annotated[list[Any], channel]})  # noqa: UP013

        def answer(state: Any) -> dict[str, Any]:
            return {"messages": [AIMessage(f"answer {len(state['messages'])}")]}

        return StateGraph(State).add_node("answer", answer).add_edge(START, "answer")

    def test_rebuild_the_same_list_as_in_memory(self, saver: ThreadHubSaver, config: Any) -> None:
        rebuilt = []
        for checkpointer in (saver, InMemorySaver()):
            graph = self.graph(frequency=4).compile(checkpointer=checkpointer)
            for turn in range(11):
                graph.invoke({"messages": [HumanMessage(f"turn {turn}")]}, config)
            states = graph.get_state_history(config)
            rebuilt.append(
                [[message.text for message in state.values["messages"]] for state in states]
            )

        assert rebuilt[0] == rebuilt[1]
        assert len(rebuilt[0][0]) == 22

    def test_snapshots_come_back_as_snapshots(self, saver: ThreadHubSaver, config: Any) -> None:
        graph = self.graph(frequency=2).compile(checkpointer=saver)
        for turn in range(4):
            graph.invoke({"messages": [HumanMessage(f"turn {turn}")]}, config)
        saver.close()

        held = [found.checkpoint["channel_values"].get("messages") for found in saver.list(config)]
        snapshots = [value for value in held if value is not None]

        assert snapshots
        assert all(type(value) is _DeltaSnapshot for value in snapshots)
        assert None in held

"""What a put promises beyond the conformance suite."""

from __future__ import annotations

import asyncio
import math
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import transaction
from langgraph.checkpoint.base import ERROR, INTERRUPT
from langgraph.checkpoint.memory import InMemorySaver

from checkpoints_app.models import Blob, Checkpoint, CheckpointHead, LogItem
from checkpoints_app.saver import ThreadHubSaver
from checkpoints_app.storage import BadAddress, FenceLost, InsideTransaction

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]

LOOP = {"source": "loop", "step": 0, "parents": {}}


@pytest.fixture
def store(saver: ThreadHubSaver, config: Any, make_checkpoint: Any) -> Any:
    """Return a function that puts values and returns the config of the checkpoint."""

    def put(under: Any = None, *, named: str | None = None, **values: Any) -> Any:
        checkpoint, versions = make_checkpoint(named=named, **values)
        return saver.put(under or config, checkpoint, LOOP, versions)

    return put


def values(saver: ThreadHubSaver, config: Any) -> dict[str, Any]:
    found = saver.get_tuple(config)
    assert found is not None
    return found.checkpoint["channel_values"]


class TestValues:
    @pytest.mark.parametrize(
        "value",
        ["a\x00b", "\ud800", 10**400, float("-inf"), b"\x00" * 100, [], [[]], "x" * 5000,
         ["\x00"] * 40, [1, 2.5, True] * 200, ["item"] * 500, [None, {"a": "\udfff" * 40}] * 20],
        ids=lambda value: type(value).__name__,
    )  # fmt: skip
    def test_survive_the_database(self, saver: ThreadHubSaver, store: Any, value: Any) -> None:
        stored = store(channel=value)
        saver.put_writes(stored, [("channel", value)], "task")
        saver.close()

        found = saver.get_tuple(stored)

        assert found is not None
        assert found.checkpoint["channel_values"] == {"channel": value}
        assert found.pending_writes == [("task", "channel", value)]

    def test_nan_survives(self, saver: ThreadHubSaver, store: Any) -> None:
        stored = store(channel=float("nan"), deep=[{"a": float("nan")}])

        found = values(saver, stored)

        assert math.isnan(found["channel"])
        assert math.isnan(found["deep"][0]["a"])

    def test_changed_in_place_after_the_put_stay_as_they_were(
        self, saver: ThreadHubSaver, store: Any
    ) -> None:
        items = [{"text": "a" * 100}]
        first = store(items=items)
        items[0]["text"] = "b" * 100
        second = store(first, items=items)

        assert values(saver, first) == {"items": [{"text": "a" * 100}]}
        assert values(saver, second) == {"items": [{"text": "b" * 100}]}


class TestMetadata:
    def test_survives_what_others_lose(
        self, saver: ThreadHubSaver, config: Any, make_checkpoint: Any
    ) -> None:
        checkpoint, versions = make_checkpoint(a=1)
        metadata: Any = {"source": "\udc00", "step": 2**70, "big": [10**30]}

        found = saver.get_tuple(saver.put(config, checkpoint, metadata, versions))

        assert found is not None
        assert found.metadata == metadata

    @pytest.mark.parametrize(
        "metadata",
        [
            {}, {"parents": {}}, {"source": "loop", "step": -1, "parents": {}},
            {"source": "input", "step": 3, "parents": {"": "x"}, "run_id": "run-1"},
            {"step": True}, {"step": None, "source": None}, {"step": 2**40},
            {"run_id": "6f8b1f0e-52c1-4f2e-8b7f-1d1a2c3d4e5f"}, {"run_id": "a" * 15},
            {"run_id": 5, "source": 1.5}, {"tags": ["a"], "nested": {"a": [1, None]}},
            {"counters_since_delta_snapshot": {"messages": (1, 2)}},
        ],
    )  # fmt: skip
    def test_comes_back_as_from_memory(
        self, saver: ThreadHubSaver, config: Any, make_checkpoint: Any, metadata: Any
    ) -> None:
        checkpoint, versions = make_checkpoint(a=1)
        memory = InMemorySaver()
        for checkpointer in (saver, memory):
            checkpointer.put(config, checkpoint, metadata, versions)

        found = saver.get_tuple(config)

        assert found is not None
        assert found.metadata == memory.get_tuple(config).metadata  # type: ignore[union-attr]


class TestIds:
    @pytest.mark.parametrize(
        "name", ["x", "a" * 14, "a" * 15, "a" * 16, "é" * 20, "F" * 36, "1" * 36]
    )
    def test_of_any_form_name_a_checkpoint(
        self, saver: ThreadHubSaver, store: Any, name: str
    ) -> None:
        stored = store(named=name, a=1)
        child = store(stored, named=name + "z", a=2)
        saver.put_writes(child, [("a", 3)], name)

        found = saver.get_tuple(child)

        assert stored["configurable"]["checkpoint_id"] == name
        assert found is not None
        assert found.checkpoint["id"] == name + "z"
        assert found.parent_config == stored
        assert found.pending_writes == [(name, "a", 3)]

    def test_put_again_replaces_the_checkpoint(self, saver: ThreadHubSaver, store: Any) -> None:
        store(named="one", a=1, b=["x" * 100])
        again = store(named="one", a=2)

        assert values(saver, again) == {"a": 2}
        assert Checkpoint.objects.count() == 1

    @pytest.mark.parametrize("place", ["thread_id", "checkpoint_ns", "checkpoint_id"])
    @pytest.mark.parametrize("name", ["a\x00", "\ud800"])
    def test_no_database_can_keep_are_refused(
        self, saver: ThreadHubSaver, config: Any, make_checkpoint: Any, place: str, name: str
    ) -> None:
        checkpoint, versions = make_checkpoint(a=1)
        config["configurable"][place] = name

        with pytest.raises(BadAddress):
            saver.put(config, checkpoint, LOOP, versions)

    def test_too_long_for_a_thread_are_refused(self, saver: ThreadHubSaver) -> None:
        with pytest.raises(BadAddress):
            saver.get_tuple({"configurable": {"thread_id": "x" * 256}})


class TestWrites:
    def test_come_back_in_the_order_of_their_tasks(self, saver: ThreadHubSaver, store: Any) -> None:
        stored = store(a=1)
        for task, path in (("t1", "~2"), ("t3", "~1"), ("t2", "~1"), ("t0", "Z"), ("t9", "")):
            saver.put_writes(stored, [("a", task), ("b", task)], task, path)

        found = saver.get_tuple(stored)

        assert found is not None
        assert found.pending_writes is not None
        order = [(task, channel) for task, channel, _ in found.pending_writes]
        assert order == [
            (task, channel) for task in ("t9", "t0", "t2", "t3", "t1") for channel in "ab"
        ]

    def test_may_arrive_before_their_checkpoint(
        self, saver: ThreadHubSaver, config: Any, store: Any
    ) -> None:
        store(named="0", a=0)
        early = {"configurable": {**config["configurable"], "checkpoint_id": "1"}}
        saver.put_writes(early, [("a", 1)], "task")

        store(named="1", a=1)

        assert saver.get_tuple(early).pending_writes == [("task", "a", 1)]  # type: ignore[union-attr]

    def test_are_kept_when_repeated_unless_special(self, saver: ThreadHubSaver, store: Any) -> None:
        stored = store(a=1)
        for turn in (1, 2):
            saver.put_writes(stored, [("a", turn)], "task")
            saver.put_writes(stored, [(INTERRUPT, (turn,))], "task")
            saver.put_writes(stored, [(ERROR, ValueError(turn))], "task")

        found = saver.get_tuple(stored)

        assert found is not None
        assert found.pending_writes == [
            ("task", INTERRUPT, [2]), ("task", ERROR, "ValueError(2)"), ("task", "a", 1),
        ]  # fmt: skip

    def test_share_their_value_with_the_list_they_end_up_in(
        self, saver: ThreadHubSaver, store: Any
    ) -> None:
        stored = store(items=["a" * 100])
        saver.put_writes(stored, [("items", ["b" * 100])], "task")
        store(stored, items=["a" * 100, "b" * 100])

        assert Blob.objects.count() == 2
        assert LogItem.objects.count() == 2


class TestDeletion:
    def test_refuses_later_writes(self, saver: ThreadHubSaver, store: Any, key: str) -> None:
        stored = store(a=1)
        saver.delete_thread(key)

        for late in (lambda: store(stored, a=2), lambda: saver.put_writes(stored, [("a", 1)], "t")):
            with pytest.raises(FenceLost) as caught:
                late()
            assert caught.value.code == "tombstone"

    def test_of_a_held_thread_is_refused(self, saver: ThreadHubSaver, store: Any, key: str) -> None:
        store(a=1)
        CheckpointHead.objects.update(held=True)

        with pytest.raises(FenceLost):
            saver.delete_thread(key)


def test_calls_inside_a_transaction_are_refused(
    saver: ThreadHubSaver, config: Any, key: str
) -> None:
    calls = [
        lambda: saver.get_tuple(config),
        lambda: saver.list(config),
        lambda: saver.put_writes(config, [], "task"),
        lambda: saver.delete_thread(key),
    ]
    for call in calls:
        with pytest.raises(InsideTransaction), transaction.atomic():
            call()


class TestConcurrentWriters:
    def test_of_one_thread_keep_every_checkpoint(
        self, saver: ThreadHubSaver, store: Any, make_checkpoint: Any
    ) -> None:
        base = store(items=[f"item {at} " * 10 for at in range(5)])
        barrier = threading.Barrier(8)

        def branch(at: int) -> tuple[Any, list[str]]:
            items = [f"item {n} " * 10 for n in range(5)] + [f"branch {at} " * 10]
            barrier.wait()
            return store(base, items=items), items

        with ThreadPoolExecutor(8) as pool:
            branches = list(pool.map(branch, range(8)))

        assert all(values(saver, stored) == {"items": items} for stored, items in branches)

    def test_in_two_processes_do_not_mix_their_lists(
        self, saver: ThreadHubSaver, config: Any, store: Any, make_checkpoint: Any
    ) -> None:
        base = store(items=["base " * 20] * 5)
        ours, theirs = (["base " * 20] * 5 + [f"{who} " * 20] for who in ("our", "their"))
        checkpoint, versions = make_checkpoint(items=theirs)
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                saver.put(base, checkpoint, LOOP, versions)
                os.write(writer, b"ok")
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        os.close(writer)

        mine = store(base, items=ours)

        assert os.read(reader, 2) == b"ok"
        os.close(reader)
        other = {"configurable": {**config["configurable"], "checkpoint_id": checkpoint["id"]}}
        assert values(saver, mine) == {"items": ours}
        assert values(saver, other) == {"items": theirs}
        assert values(saver, base) == {"items": ["base " * 20] * 5}

    async def test_never_let_a_call_overtake_earlier_ones(
        self, saver: ThreadHubSaver, store: Any, make_checkpoint: Any
    ) -> None:
        stored = store(a=0)
        checkpoint, versions = make_checkpoint(a=1)
        order: list[str] = []

        async def note(name: str, call: Any) -> None:
            await call
            order.append(name)

        await asyncio.gather(
            note("writes", saver.aput_writes(stored, [("a", "x" * 500_000)], "task")),
            note("put", saver.aput(stored, checkpoint, LOOP, versions)),
            note("read", saver.aget_tuple(stored)),
        )

        assert order == ["writes", "put", "read"]

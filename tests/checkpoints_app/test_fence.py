"""Who no longer owns a thread writes nothing, however late the fence was raised."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, connections
from langgraph.graph import START, MessagesState, StateGraph

from checkpoints_app.backends import Backend, backend_for
from checkpoints_app.models import Blob, Checkpoint, CheckpointHead, LogItem, Scope, Write
from checkpoints_app.saver import ThreadHubSaver
from checkpoints_app.serde import StateSerializer
from checkpoints_app.services import heads
from checkpoints_app.storage import Address, FenceLost, Store, Writer
from threadhub.kernel import clock, transactions

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]

TABLES = (Scope, Checkpoint, Blob, LogItem, Write)


def rows() -> list[int]:
    return [table.objects.count() for table in TABLES]


class Announced:
    """A backend that says when a write has arrived at the database."""

    arrived: threading.Event

    def put(self, wrapper: Any, put: Any) -> Any:
        self.arrived.set()
        return super().put(wrapper, put)  # type: ignore[misc]

    def put_writes(self, wrapper: Any, put: Any) -> Any:
        self.arrived.set()
        return super().put_writes(wrapper, put)  # type: ignore[misc]


class CheckedBefore:
    """A mutant: looks at the fence first, and then writes without naming it."""

    arrived: threading.Event

    def guard(self, guard: Any) -> tuple[str, list[Any]]:
        return f"key = {self.mark}", [guard.key]  # type: ignore[attr-defined]

    def is_owner(self, wrapper: Any, guard: Any) -> bool:
        owner = self.head(wrapper, guard.key).fence == guard.fence  # type: ignore[attr-defined]
        self.arrived.set()
        return bool(owner)

    def put(self, wrapper: Any, put: Any) -> Any:
        return self.is_owner(wrapper, put.guard) and super().put(wrapper, put)  # type: ignore[misc]

    def put_writes(self, wrapper: Any, put: Any) -> Any:
        owner = self.is_owner(wrapper, put.guard)
        return owner and super().put_writes(wrapper, put)  # type: ignore[misc]


def backend(kind: type) -> Backend:
    made = type("Backend", (kind, type(backend_for(connection.vendor))), {})()
    made.arrived = threading.Event()
    return made


def put(writer: Writer, address: Address, checkpoint: Any) -> None:
    writer.put(address, *checkpoint)


def put_writes(writer: Writer, address: Address, checkpoint: Any) -> None:
    writer.put_writes(address, [("channel", "value" * 50)], "task", "")


@pytest.fixture
def until_blocked(wait_until: Callable[..., object]) -> Callable[[], None]:
    """Return a function that waits for a statement to wait for a row."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"

    def is_blocked() -> bool:
        with connection.cursor() as cursor:
            cursor.execute(waiting)
            return bool(cursor.fetchone()[0])

    checks = {"postgresql": is_blocked, "sqlite": lambda: True}
    return lambda: wait_until(checks[connection.vendor], timeout=10) and None


def assert_late_write_is_refused(
    made: Any, write: Any, key: str, checkpoint: Any, until_blocked: Callable[[], None]
) -> None:
    """Raise the fence after the write has arrived and before it can insert."""
    head = heads.ensure(key=key)
    fence = heads.raise_fence(head_id=head.id, held=True)
    store = Store("default", made)
    writer = Writer(store, StateSerializer(), fence=fence)
    address = Address(key, "", "parent")
    with ThreadPoolExecutor(1) as pool:
        with transactions.atomic():
            heads.raise_fence(head_id=head.id, held=True)
            late = pool.submit(write, writer, address, checkpoint)
            assert made.arrived.wait(10)
            until_blocked()
        error = late.exception(10)
    store.close()

    assert isinstance(error, FenceLost)
    assert error.code == "fenced"
    assert rows() == [0, 0, 0, 0, 0]


@pytest.fixture
def checkpoint(make_checkpoint: Any) -> Any:
    made, versions = make_checkpoint(text="x" * 200, items=["one item", "another item"] * 20)
    return made, {"source": "loop", "step": 0}, versions


@pytest.mark.parametrize("write", [put, put_writes])
def test_a_fence_raised_while_the_write_waits_refuses_it(
    write: Any, key: str, checkpoint: Any, until_blocked: Any
) -> None:
    assert_late_write_is_refused(backend(Announced), write, key, checkpoint, until_blocked)


@pytest.mark.parametrize("write", [put, put_writes])
def test_a_fence_checked_before_the_insert_is_caught(write: Any, key: str, checkpoint: Any) -> None:
    with pytest.raises(AssertionError):
        assert_late_write_is_refused(backend(CheckedBefore), write, key, checkpoint, lambda: None)


class TestUnfencedWrites:
    def test_are_refused_while_a_run_holds_the_thread(
        self, saver: ThreadHubSaver, config: Any, key: str, checkpoint: Any
    ) -> None:
        head = heads.ensure(key=key)
        heads.raise_fence(head_id=head.id, held=True)

        with pytest.raises(FenceLost) as caught:
            saver.put(config, *checkpoint)

        assert caught.value.code == "held"
        heads.raise_fence(head_id=head.id, held=False)
        saver.put(config, *checkpoint)

    def test_make_the_head_of_a_new_thread(
        self, saver: ThreadHubSaver, config: Any, key: str, checkpoint: Any
    ) -> None:
        saver.put(config, *checkpoint)

        head = CheckpointHead.objects.get(key=key)
        assert (head.checkpoint_id, head.step, head.seq) == (checkpoint[0]["id"], 0, 1)


class TestFencedWrites:
    def test_never_make_a_head(
        self, saver: ThreadHubSaver, config: Any, key: str, checkpoint: Any
    ) -> None:
        with pytest.raises(FenceLost) as caught:
            saver.bound(key=key, fence=1).put(config, *checkpoint)

        assert caught.value.code == "unknown_key"
        assert not CheckpointHead.objects.exists()

    def test_name_the_fence_for_their_own_thread_only(
        self, saver: ThreadHubSaver, config: Any, checkpoint: Any
    ) -> None:
        saver.bound(key="another", fence=7).put(config, *checkpoint)

        assert saver.get_tuple(config) is not None

    @pytest.mark.parametrize("attempt", ["put", "put_writes"])
    def test_are_refused_after_the_thread_was_buried_and_deleted(
        self, saver: ThreadHubSaver, config: Any, key: str, checkpoint: Any, attempt: str
    ) -> None:
        head = heads.ensure(key=key)
        fence = heads.raise_fence(head_id=head.id, held=True)
        bound = saver.bound(key=key, fence=fence)
        stored = bound.put(config, *checkpoint)
        attempts = {
            "put": lambda: bound.put(stored, *checkpoint),
            "put_writes": lambda: bound.put_writes(stored, [("channel", 1)], "task"),
        }

        heads.bury(key=key, now=clock.now())
        saver.delete_thread(key)

        with pytest.raises(FenceLost) as caught:
            attempts[attempt]()
        assert caught.value.code == "tombstone"
        assert rows() == [0, 0, 0, 0, 0]


def test_a_graph_whose_fence_is_raised_stops_writing_in_every_namespace(
    saver: ThreadHubSaver, key: str
) -> None:
    seen: list[list[int]] = []

    def take_over(state: MessagesState) -> dict[str, Any]:
        heads.raise_fence(head_id=head.id, held=True)
        seen.append(rows())
        connections.close_all()
        return {"messages": [("ai", "too late " * 20)]}

    inner = StateGraph(MessagesState).add_node("take_over", take_over)
    outer = StateGraph(MessagesState).add_node(
        "inner", inner.add_edge(START, "take_over").compile()
    )
    graph = outer.add_edge(START, "inner").compile()
    head = heads.ensure(key=key)
    fence = heads.raise_fence(head_id=head.id, held=True)
    fenced = graph.copy(update={"checkpointer": saver.bound(key=key, fence=fence)})

    with pytest.raises(FenceLost):
        fenced.invoke(
            {"messages": [("user", "hello")]},
            {"configurable": {"thread_id": key}},
            durability="sync",
        )

    assert seen == [rows()]
    assert Scope.objects.count() == 2

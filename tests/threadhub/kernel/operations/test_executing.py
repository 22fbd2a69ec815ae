"""Performing operations: items that fail, workers that die, freeze and stop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError

from services.waiting import wait_until
from threadhub import tasks
from threadhub.kernel import clock, hinting, operations
from threadhub.kernel.errors import Conflict, Unavailable
from threadhub.kernel.events.models import OutboxEvent
from threadhub.kernel.operations import duties, leases, outcomes
from threadhub.kernel.operations import kinds as operation_kinds
from threadhub.kernel.operations.executor import Executor
from threadhub.kernel.operations.models import Operation
from threadhub.kernel.operations.outcomes import Outcome
from threadhub.kernel.operations.steering import HasEnded, NothingLeft

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]

Ask = Callable[..., Operation]


def raising(error: Exception) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


class Gate:
    """An item that is reached, and held until it is let go."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self._open = threading.Event()

    def __call__(self) -> None:
        self.reached.set()
        assert self._open.wait(20)

    def open(self) -> None:
        self._open.set()


@pytest.fixture
def gate(work: Any) -> Gate:
    """Return a gate in the second item."""
    work.instead["b"] = Gate()
    return work.instead["b"]


@pytest.fixture
def performing(
    ask: Ask, gate: Gate, make_executor: Callable[[], Executor], in_background: Any
) -> Any:
    """Return an operation in the middle of its second item, its executor and its thread."""
    operation, executor = ask(), make_executor()
    thread = in_background(lambda: executor.execute(operation_id=operation.pk))
    assert gate.reached.wait(10)
    return operation, executor, thread


class TestAnItemThatFails:
    def test_says_why_and_the_others_are_performed(
        self, ask: Ask, work: Any, execute: Any, states: Any
    ) -> None:
        work.instead["a"] = raising(Conflict("It is in use."))
        work.instead["b"] = raising(operations.Skipped("It was gone."))
        work.instead["c"] = lambda: {"bytes": 7}

        operation = execute(ask())

        assert states(operation) == {"a": "failed", "b": "skipped", "c": "done"}
        assert operation.progress == {"total": 3, "done": 1, "failed": 1, "skipped": 1}
        assert operation.state == "finished"
        found = {item.key: (item.error, item.result) for item in operation.items.all()}
        assert found == {
            "a": ("It is in use.", None),
            "b": ("It was gone.", None),
            "c": ("", {"bytes": 7}),
        }

    def test_by_a_mistake_of_ours_is_logged_and_tells_no_inside(
        self, ask: Ask, work: Any, execute: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        work.instead["b"] = raising(RuntimeError("password=hunter2"))

        operation = execute(ask())

        assert operation.state == "finished"
        assert "log says what" in operation.items.get(key="b").error
        assert "hunter2" not in operation.items.get(key="b").error
        assert "An item of an operation failed." in caplog.messages

    def test_like_all_the_others_fails_the_operation(
        self, ask: Ask, work: Any, execute: Any
    ) -> None:
        work.instead = dict.fromkeys("abc", raising(Conflict("It is in use.")))

        operation = execute(ask())

        assert (operation.state, operation.failed) == ("failed", 3)
        assert operation.error == "Every item failed; each says why."

    def test_is_performed_again_when_somebody_resumes(
        self, ask: Ask, work: Any, ada: Any, execute: Any, kinds: Any
    ) -> None:
        work.instead["b"] = raising(Conflict("It is in use."))
        operation = execute(ask())
        work.instead.clear()

        operation = operations.resume(operation=operation, actor=ada, now=clock.now())
        assert (operation.state, operation.failed, operation.finished_at) == ("pending", 0, None)
        operation = execute(operation)

        assert work.performed == ["a", "b", "c", "b"]
        assert (operation.state, operation.done) == ("finished", 3)
        assert operation.items.get(key="b").attempts == 2
        assert kinds(operation)[-4:] == [
            "operation.pending",
            "operation.running",
            "operation.item",
            "operation.finished",
        ]
        with pytest.raises(NothingLeft, match="Nothing of this operation"):
            operations.resume(operation=operation, actor=ada, now=clock.now())


@pytest.mark.parametrize("error", [Unavailable("The store is away."), OperationalError("gone")])
def test_what_is_away_fails_nothing_and_is_tried_later(
    ask: Ask, work: Any, execute: Any, states: Any, error: Exception
) -> None:
    work.instead["b"] = raising(error)
    operation = execute(ask())

    assert operation.state == "pending" and operation.lease_until is None
    assert states(operation) == {"a": "done", "b": "pending", "c": "pending"}
    work.instead.clear()

    assert execute(operation).state == "finished"
    assert work.performed == ["a", "b", "b", "c"]


def test_a_kind_that_is_gone_fails_its_operations(
    ask: Ask, execute: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation = ask()
    monkeypatch.setattr(operation_kinds, "is_known", lambda _: False)

    operation = execute(operation)

    assert operation.state == "failed"
    assert "does not know operations of the kind tests.note" in operation.error


class TestCancelling:
    def test_a_waiting_operation_ends_it_at_once(
        self, ask: Ask, ada: Any, work: Any, execute: Any
    ) -> None:
        operation = operations.cancel(operation=ask(), actor=ada, now=clock.now())

        assert operation.state == "cancelled"
        assert execute(operation).state == "cancelled" and work.performed == []
        with pytest.raises(HasEnded, match="cancelled"):
            operations.cancel(operation=operation, actor=ada, now=clock.now())

    def test_one_under_way_stops_after_the_item_and_the_rest_can_be_resumed(
        self, performing: Any, gate: Gate, ada: Any, work: Any, execute: Any, states: Any
    ) -> None:
        operation, _, thread = performing
        for _ in range(2):
            asked = operations.cancel(operation=operation, actor=ada, now=clock.now())
            assert asked.state == "running"
        gate.open()
        thread.join(10)

        operation.refresh_from_db()
        assert operation.state == "cancelled"
        assert states(operation) == {"a": "done", "b": "done", "c": "pending"}

        operations.resume(operation=operation, actor=ada, now=clock.now())
        assert execute(operation).state == "finished"
        assert work.performed == ["a", "b", "c"]

    def test_one_whose_worker_dies_ends_it_too(self, ask: Ask, ada: Any) -> None:
        operation = ask()
        assert leases.claim(operation_id=operation.pk, worker="w")
        operations.cancel(operation=operation, actor=ada, now=clock.now())

        leases.take_over(reason="died")

        operation.refresh_from_db()
        assert operation.state == "cancelled"


class TestAWorker:
    def test_that_stops_hands_its_operation_back(
        self, performing: Any, gate: Gate, execute: Any, work: Any, in_background: Any
    ) -> None:
        operation, executor, thread = performing
        stopping = in_background(lambda: executor.stop(seconds=10))
        assert wait_until(executor._stopping.is_set, timeout=5)
        gate.open()
        thread.join(10)
        stopping.join(10)

        operation.refresh_from_db()
        assert (operation.state, operation.crashes, operation.done) == ("pending", 0, 2)
        assert not executor.execute(operation_id=operation.pk)
        assert execute(operation).state == "finished"
        assert work.performed == ["a", "b", "c"]

    def test_keeps_its_lease_through_an_item_that_takes_longer(
        self, performing: Any, gate: Gate, settings: Any
    ) -> None:
        operation, _, thread = performing
        operation.refresh_from_db()
        first = operation.lease_until
        assert wait_until(
            lambda: Operation.objects.values_list("lease_until", flat=True)[0] > first, timeout=5
        )
        gate.open()
        thread.join(10)

        operation.refresh_from_db()
        assert operation.state == "finished"

    def test_that_thaws_writes_nothing_more(
        self,
        performing: Any,
        gate: Gate,
        work: Any,
        execute: Any,
        kinds: Any,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        operation, _, thread = performing
        leases.take_over(reason="frozen")
        work.instead.clear()
        assert execute(operation).state == "finished"
        told = kinds(operation)

        gate.open()
        thread.join(10)

        operation.refresh_from_db()
        assert work.performed == ["a", "b", "b", "c"]
        assert (operation.state, operation.done) == ("finished", 3)
        assert kinds(operation) == told

    def test_whose_lease_is_gone_is_refused_everywhere(self, ask: Ask) -> None:
        operation = ask()
        old = leases.claim(operation_id=operation.pk, worker="old")
        assert old is not None
        leases.take_over(reason="died")
        new = leases.claim(operation_id=operation.pk, worker="new")
        assert new is not None and new.fence > old.fence
        item = operation.items.get(key="a")

        assert not outcomes.write(old, item, Outcome("done"))
        assert not outcomes.conclude(old)
        assert not leases.renew(old)
        assert not leases.hand_back(old, reason="late", is_hinted=True)
        assert (leases.pulse(old), leases.pulse(new)) == ("lost", "go")
        operation.refresh_from_db()
        assert (operation.state, operation.worker, operation.done) == ("running", "new", 0)

    def test_that_dies_leaves_its_operation_to_the_tick(
        self, ask: Ask, settings: Any, execute: Any, work: Any
    ) -> None:
        settings.LEASE_SECONDS = 0.2
        operation = ask()
        lease = leases.claim(operation_id=operation.pk, worker="w")
        assert lease is not None
        assert outcomes.write(lease, operation.items.get(key="a"), Outcome("done"))

        assert wait_until(lambda: duties.reap(clock.now()) == 1, timeout=5)

        operation.refresh_from_db()
        assert (operation.state, operation.crashes) == ("pending", 1)
        assert execute(operation).state == "finished"
        assert work.performed == ["b", "c"]

    def test_that_always_dies_at_one_item_gives_the_item_up(
        self, ask: Ask, settings: Any, execute: Any, states: Any
    ) -> None:
        settings.RUN_MAX_CRASHES = 3
        operation = ask()
        for _ in range(3):
            assert leases.claim(operation_id=operation.pk, worker="w")
            leases.take_over(reason="died")

        assert states(operation) == {"a": "failed", "b": "pending", "c": "pending"}
        assert "died 3 times" in operation.items.get(key="a").error
        operation = execute(operation)
        assert (operation.state, operation.done, operation.failed) == ("finished", 2, 1)

    def test_performs_what_waits_behind_the_hinted_operation(
        self, ask: Ask, make_executor: Callable[[], Executor]
    ) -> None:
        first, second = ask(), ask()

        make_executor().execute(operation_id=second.pk)

        first.refresh_from_db()
        assert first.state == "finished"

    def test_keeps_places_for_runs(self, performing: Any, gate: Gate, ask: Ask) -> None:
        _, executor, thread = performing
        executor._places = 1
        other = ask()

        assert not executor.execute(operation_id=other.pk)

        gate.open()
        thread.join(10)
        other.refresh_from_db()
        assert other.state == "finished"

    def test_claims_an_operation_once(self, ask: Ask, in_background: Any) -> None:
        operation = ask()
        barrier = threading.Barrier(4)
        won: list[Any] = []

        def claim() -> None:
            barrier.wait(10)
            won.append(leases.claim(operation_id=operation.pk, worker="w"))

        for thread in [in_background(claim) for _ in range(4)]:
            thread.join(20)

        assert len([lease for lease in won if lease is not None]) == 1


class TestHints:
    def test_that_no_broker_takes_are_repeated_by_the_tick(
        self, ask: Ask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hinted: list[int] = []
        with monkeypatch.context() as patch:
            patch.setattr(hinting, "_quiet_until", 0.0)
            patch.setattr(tasks.execute_operation, "delay", raising_broker)
            operation = ask()
        monkeypatch.setattr(
            tasks.execute_operation, "delay", lambda *, operation_id: hinted.append(operation_id)
        )
        assert not OutboxEvent.objects.exists()

        duties.hint_again(clock.now() + hinting.PAUSES[0])

        assert hinted == [operation.pk]

    def test_that_were_lost_are_repeated_ever_more_rarely(
        self, ask: Ask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hinted: list[int] = []
        monkeypatch.setattr(
            tasks.execute_operation, "delay", lambda *, operation_id: hinted.append(operation_id)
        )
        first = clock.now()
        operation = ask(now=first - 2 * hinting.PAUSES[0])
        hinted.clear()

        duties.hint_again(first)
        duties.hint_again(first + hinting.PAUSES[0] / 2)

        operation.refresh_from_db()
        assert hinted == [operation.pk]
        assert (operation.dispatch_count, operation.dispatched_at) == (1, first)

    def test_cost_an_idle_tick_one_query_each(
        self, work: Any, django_assert_num_queries: Any
    ) -> None:
        with django_assert_num_queries(2):
            duties.reap(clock.now())
            duties.hint_again(clock.now())


def raising_broker(**_: Any) -> None:
    raise ConnectionError("The broker is away.")

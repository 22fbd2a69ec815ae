"""Workers that die, freeze, thaw and stop: the run is never lost and never written twice."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest.mock import Mock

import pytest
from django.db import OperationalError

from checkpoints_app.saver import ThreadHubSaver
from checkpoints_app.storage import StoreUnavailable
from services.observing import kinds, values
from services.waiting import wait_until
from threadhub.kernel import clock, hinting
from threads_app import tasks
from threads_app.models import Interrupt, Run, Thread
from threads_app.runtime import leases, settling
from threads_app.runtime.engine import Engine
from threads_app.selectors import runs as run_selectors
from threads_app.services import runs

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]

Make = Callable[[str], Thread]
Start = Callable[..., Run]
InBackground = Callable[[Callable[[], object]], threading.Thread]


class TestAWorkerThatIsGone:
    def test_leaves_its_run_to_the_next_and_can_write_nothing_more(
        self,
        make_engine: Callable[[], Engine],
        project: Any,
        make_thread: Make,
        start: Start,
        in_background: InBackground,
    ) -> None:
        project.gates["block"] = threading.Event()
        thread = make_thread("blocking")
        run = start(thread, input={"count": 1})
        frozen = make_engine()
        frozen._keeper.close()
        in_background(lambda: frozen.execute(run_id=run.pk))
        project.reached.setdefault("block", threading.Event()).wait(10)
        assert _reaped(run)

        gate = project.gates.pop("block")
        make_engine().execute(run_id=run.pk)
        gate.set()

        run.refresh_from_db()
        assert (run.status, run.attempt, run.crashes) == ("success", 2, 1)
        assert values(thread)["trail"] == ["blocked 1", "after"]
        assert kinds(thread).count("run.success") == 1

    def test_that_thaws_after_the_end_is_refused_too(
        self,
        make_engine: Callable[[], Engine],
        project: Any,
        make_thread: Make,
        start: Start,
        in_background: InBackground,
        person: Any,
    ) -> None:
        project.gates["block"] = threading.Event()
        thread = make_thread("blocking")
        run = start(thread, input={"count": 1})
        frozen = make_engine()
        frozen._keeper.close()
        executing = in_background(lambda: frozen.execute(run_id=run.pk))
        project.reached.setdefault("block", threading.Event()).wait(10)
        runs.cancel(run=run, actor=person, now=clock.now())
        assert _reaped(run)

        project.gates["block"].set()
        executing.join(10)

        run.refresh_from_db()
        assert run.status == "cancelled" and not values(thread).get("trail")
        assert kinds(thread)[-1] == "run.cancelled"

    def test_hands_its_runs_back_when_it_stops(
        self,
        make_engine: Callable[[], Engine],
        project: Any,
        make_thread: Make,
        start: Start,
        in_background: InBackground,
    ) -> None:
        thread = make_thread("waiting")
        run = start(thread, input={"count": 1})
        stopping = make_engine()
        in_background(lambda: stopping.execute(run_id=run.pk))
        project.reached.setdefault("wait", threading.Event()).wait(10)

        assert stopping.stop(seconds=10)

        run.refresh_from_db()
        assert (run.status, run.crashes, run.owner) == ("pending", 0, "")
        assert not stopping.execute(run_id=run.pk)
        assert run_selectors.next_due(thread_id=thread.pk) == run.pk

    def test_may_be_gone_any_number_of_times_while_the_run_advances(
        self,
        make_engine: Callable[[], Engine],
        make_thread: Make,
        start: Start,
        settings: Any,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        settings.RUN_MAX_CRASHES = 2
        thread = make_thread("steps")
        # The limit ends every attempt after a step or two, and the end is never written.
        run = start(thread, input={"steps": 9}, config={"recursion_limit": 1})
        monkeypatch.setattr(settling, "settle", Mock(side_effect=OperationalError("gone")))
        counts = []
        for _ in range(3):
            with pytest.raises(OperationalError):
                make_engine().execute(run_id=run.pk)
            leases.take_over(reason="died")

            run.refresh_from_db()
            assert (run.status, run.crashes) == ("pending", 1)
            counts.append(values(thread)["count"])
        assert counts == sorted(set(counts))

    def test_five_times_at_one_step_makes_the_run_an_error(
        self, make_thread: Make, start: Start, settings: Any
    ) -> None:
        run = start(make_thread("steps"), input={"steps": 1})

        for _ in range(settings.RUN_MAX_CRASHES):
            assert leases.claim(run_id=run.pk, worker="w") is not None
            leases.take_over(reason="died")

        run.refresh_from_db()
        assert (run.status, run.error_kind) == ("error", "poison")
        assert leases.claim(run_id=run.pk, worker="w") is None


def _reaped(run: Run) -> bool:
    """Wait for the lease to end by the database's clock, then reap it."""
    assert wait_until(lambda: Run.objects.abandoned().filter(pk=run.pk).exists(), timeout=10)
    return leases.reap() == 1


def test_a_run_rests_while_the_store_is_away_and_is_never_given_up(
    engine: Engine,
    make_thread: Make,
    start: Start,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.RUN_MAX_CRASHES = 2
    thread = make_thread("steps")
    run = start(thread, input={"steps": 2})
    hints: list[int] = []
    with monkeypatch.context() as patch:
        patch.setattr(tasks, "hint", lambda *, run_id: hints.append(run_id))
        patch.setattr(ThreadHubSaver, "aput", Mock(side_effect=StoreUnavailable("away")))
        for _ in range(3):
            assert engine.execute(run_id=run.pk)

            run.refresh_from_db()
            assert (run.status, run.crashes, run.owner) == ("pending", 0, "")
    # Only the tick brings it back, after its pause; its order on the thread is kept.
    assert hints == []
    assert run_selectors.forgotten(now=clock.now()) == []
    assert run_selectors.forgotten(now=clock.now() + hinting.PAUSES[0]) == [run.pk]

    assert engine.execute(run_id=run.pk)
    assert values(thread)["trail"] == ["step 1", "step 2"]


@pytest.mark.parametrize("graph", ["steps", "asking"])
def test_a_run_whose_end_could_not_be_written_ends_the_same_way_later(
    make_engine: Callable[[], Engine],
    make_thread: Make,
    start: Start,
    monkeypatch: pytest.MonkeyPatch,
    graph: str,
) -> None:
    thread = make_thread(graph)
    run = start(thread, input={"steps": 2, "count": 0})
    with monkeypatch.context() as patch:
        patch.setattr(settling, "settle", Mock(side_effect=OperationalError("gone")))
        with pytest.raises(OperationalError):
            make_engine().execute(run_id=run.pk)
    assert _reaped(run)

    make_engine().execute(run_id=run.pk)

    run.refresh_from_db()
    assert (run.attempt, run.crashes) == (2, 1)
    if graph == "steps":
        assert run.status == "success"
        assert values(thread)["trail"] == ["step 1", "step 2"]
    else:
        assert run.status == "interrupted"
        assert Interrupt.objects.open().get(thread=thread).value == {"question": "first?"}


def test_two_claims_at_once_give_one_lease(
    make_thread: Make, start: Start, in_background: InBackground
) -> None:
    run = start(make_thread("steps"), input={"steps": 1})
    barrier = threading.Barrier(4)
    won: list[Any] = []

    def claim() -> None:
        barrier.wait(10)
        won.append(leases.claim(run_id=run.pk, worker=threading.current_thread().name))

    for thread in [in_background(claim) for _ in range(4)]:
        thread.join(20)

    assert len([lease for lease in won if lease is not None]) == 1


def test_a_lease_that_ended_is_not_renewed_by_its_old_worker(
    make_thread: Make, start: Start
) -> None:
    run = start(make_thread("steps"), input={"steps": 1})
    lease = leases.claim(run_id=run.pk, worker="old")
    assert lease is not None
    leases.take_over(reason="died")

    leases.renew(worker="old", run_ids=[run.pk])

    assert leases.pulses(worker="old", run_ids=[run.pk]) == {}
    assert not leases.hand_back(lease, reason="late")
    run.refresh_from_db()
    assert run.status == "pending" and run.lease_until is None
    assert run.updated_at - run.created_at < timedelta(hours=1)

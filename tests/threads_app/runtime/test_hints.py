"""A broker that is away keeps nobody from anything."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from threadhub.kernel import audit, clock, hinting
from threadhub.kernel.events import outbox
from threadhub.kernel.events.models import OutboxEvent
from threads_app import tasks
from threads_app.models import Run, Thread
from threads_app.runtime import duties

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]


def test_an_event_is_delivered_although_no_worker_can_be_told(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    start: Callable[..., Run],
    make_thread: Callable[[str], Thread],
) -> None:
    asked: list[Any] = []

    def refuse(**hint: Any) -> None:
        asked.append(hint)
        raise ConnectionRefusedError("nobody there")

    monkeypatch.setattr(hinting, "_quiet_until", 0.0)
    monkeypatch.setattr(tasks.execute_run, "delay", refuse)

    for _ in range(2):
        start(make_thread("steps"), input={})

    assert "A worker could not be told of a run: nobody there" in caplog.text
    # A broker that does not answer costs seconds each time it is asked.
    assert len(asked) == 1
    assert not OutboxEvent.objects.exists()


def test_what_fails_after_the_commit_does_not_fail_what_was_committed(
    monkeypatch: pytest.MonkeyPatch,
    start: Callable[..., Run],
    make_thread: Callable[[str], Thread],
) -> None:
    def fail(_: OutboxEvent) -> None:
        raise ConnectionResetError

    monkeypatch.setattr(outbox, "deliver", fail)

    run = start(make_thread("steps"), input={})

    assert Run.objects.filter(pk=run.pk).exists()
    assert OutboxEvent.objects.exists()


@pytest.fixture
def hinted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the list of the runs that workers are told of, instead of telling them."""
    told: list[int] = []
    monkeypatch.setattr(tasks.execute_run, "delay", lambda *, run_id: told.append(run_id))
    return told


def hinted_before(run: Run, times: int, *, ago: timedelta) -> None:
    with audit.machinery("lease"):
        Run.objects.filter(pk=run.pk).update(dispatch_count=times, dispatched_at=clock.now() - ago)


def test_a_run_that_waits_for_hours_is_told_of_every_five_minutes(
    start: Callable[..., Run], make_thread: Callable[[str], Thread], hinted: list[int]
) -> None:
    run = start(make_thread("steps"), input={})
    hinted_before(run, 60, ago=timedelta(minutes=6))
    hinted.clear()

    duties.hint_again(clock.now())
    duties.hint_again(clock.now() + timedelta(minutes=4))

    assert hinted == [run.pk]


def test_runs_in_their_pause_hide_no_others(
    start: Callable[..., Run],
    make_thread: Callable[[str], Thread],
    hinted: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hinting, "BATCH", 1)
    resting, lost = (start(make_thread("steps"), input={}) for _ in range(2))
    hinted_before(resting, 3, ago=timedelta(seconds=70))
    hinted_before(lost, 0, ago=timedelta(seconds=11))
    hinted.clear()

    duties.hint_again(clock.now())

    assert hinted == [lost.pk]

"""Runs that nobody was told of are claimed from the database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F

from services.waiting import wait_until
from threadhub.kernel import audit
from threadhub.ops.watchdog import GIVE_UP_SECONDS, Watchdog
from threads_app.models import Run
from threads_app.runtime import engine as engines
from threads_app.runtime.engine import Engine
from threads_app.selectors import runs

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]

SILENT, NOW = 0.0, 1000.0


@pytest.fixture
def engine(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """Return the engine of this process."""
    monkeypatch.setattr(engines, "_engine", engine)
    return engine


@pytest.fixture
def waiting(start: Callable[..., Run], make_thread: Callable[[str], Any]) -> Run:
    """Return a run that has been due for a minute."""
    run = start(make_thread("steps"), input={})
    with audit.machinery("lease"):
        Run.objects.filter(pk=run.pk).update(updated_at=F("updated_at") - timedelta(minutes=1))
    return run


def broker_away() -> int:
    raise ConnectionRefusedError


def status(run: Run) -> str:
    run.refresh_from_db()
    return run.status


def test_a_run_is_claimed_when_no_message_came(engine: Engine, waiting: Run) -> None:
    Watchdog(queued=broker_away).look(heard=SILENT, now=NOW)

    wait_until(lambda: status(waiting) == "success", message="the run is done")


def test_a_worker_that_hears_claims_nothing_itself(engine: Engine, waiting: Run) -> None:
    Watchdog(queued=broker_away).look(heard=NOW - 0.1, now=NOW)

    assert engine.active == 0 and status(waiting) == "pending"


def test_a_run_that_has_just_been_ordered_is_left_to_its_message(
    start: Callable[..., Run], make_thread: Callable[[str], Any], project: Any
) -> None:
    start(make_thread("steps"), input={})

    assert runs.unheeded(limit=4) == []


def test_a_worker_without_a_free_slot_claims_nothing(waiting: Run) -> None:
    assert runs.unheeded(limit=0) == []
    assert runs.unheeded(limit=1) == [waiting.pk]


@pytest.mark.parametrize(
    ("queued", "is_deaf"), [(lambda: 3, True), (lambda: 0, False), (broker_away, False)]
)
def test_only_messages_that_do_not_arrive_make_a_worker_deaf(
    engine: Engine,
    waiting: Run,
    monkeypatch: pytest.MonkeyPatch,
    queued: Callable[[], int],
    is_deaf: bool,
) -> None:
    monkeypatch.setattr(engine, "execute", lambda **_: False)
    watchdog, later = Watchdog(queued=queued), NOW + GIVE_UP_SECONDS + 1

    watchdog.look(heard=SILENT, now=NOW)

    assert not watchdog.is_deaf(now=NOW + 1)
    assert watchdog.is_deaf(now=later) == is_deaf
    watchdog.look(heard=later, now=later)
    assert not watchdog.is_deaf(now=later)


def test_a_worker_whose_messages_others_took_is_not_deaf(
    engine: Engine, waiting: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "execute", lambda **_: False)
    in_queue = iter([3, 0])
    watchdog = Watchdog(queued=lambda: next(in_queue))

    watchdog.look(heard=SILENT, now=NOW)
    with audit.machinery("lease"):
        Run.objects.filter(pk=waiting.pk).update(status="cancelled")
    watchdog.look(heard=SILENT, now=NOW + 1)

    assert not watchdog.is_deaf(now=NOW + GIVE_UP_SECONDS + 2)


def test_a_worker_without_a_free_slot_is_not_deaf(
    engine: Engine, waiting: Run, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    monkeypatch.setattr(engine, "execute", lambda **_: False)
    watchdog = Watchdog(queued=lambda: 3)

    watchdog.look(heard=SILENT, now=NOW)
    settings.CONCURRENCY = 0
    watchdog.look(heard=SILENT, now=NOW + 1)

    assert not watchdog.is_deaf(now=NOW + GIVE_UP_SECONDS + 2)

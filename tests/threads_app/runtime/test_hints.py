"""A broker that is away keeps nobody from anything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from threadhub.kernel.events import outbox
from threadhub.kernel.events.models import OutboxEvent
from threads_app import tasks
from threads_app.models import Run, Thread

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]


def test_an_event_is_delivered_although_no_worker_can_be_told(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    start: Callable[..., Run],
    make_thread: Callable[[str], Thread],
) -> None:
    def refuse(**_: Any) -> None:
        raise ConnectionRefusedError("nobody there")

    monkeypatch.setattr(tasks.execute_run, "delay", refuse)

    start(make_thread("steps"), input={})

    assert "A worker could not be told of a run: nobody there" in caplog.text
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

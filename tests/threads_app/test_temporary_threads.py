"""Threads of stateless runs: they go by themselves, and only when nothing needs them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model

from checkpoints_app import storage
from checkpoints_app.models import CheckpointHead
from threadhub.kernel import clock
from threads_app.models import Assistant, Graph, Run, Thread
from threads_app.services import assistants, runs, threads
from threads_app.services.runs import RunOrder, ThreadNeeded

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]

NOW = clock.now()
LATER = NOW + timedelta(minutes=2)


@pytest.fixture
def ada() -> Any:
    yield get_user_model().objects.create_user("ada")
    # The store's own connections would keep the test database from being removed.
    storage.reset()


@pytest.fixture
def assistant() -> Assistant:
    graph = Graph.objects.create(name="echo", project="p", target="t", status="loaded")
    return assistants.ensure_default(graph=graph, now=NOW)


def start(ada: Any, assistant: Assistant, *, keep: bool = False, **order: Any) -> Run:
    return runs.start_alone(
        assistant=assistant, actor=ada, order=RunOrder(**order), now=NOW, keep=keep
    )


def finish(ada: Any, run: Run) -> None:
    runs.cancel(run=run, actor=ada, now=NOW)


def sweep() -> int:
    return threads.sweep(before=LATER - timedelta(minutes=1), now=LATER)


def test_one_goes_once_its_run_has_ended_for_a_while(ada: Any, assistant: Assistant) -> None:
    run = start(ada, assistant)
    key = run.thread.public_id
    assert sweep() == 0

    finish(ada, run)
    assert threads.sweep(before=NOW - timedelta(minutes=1), now=NOW) == 0
    assert sweep() == 1

    assert not Thread.objects.exists()
    assert not Run.objects.exists()
    assert CheckpointHead.objects.get(key=key).tombstone is not None


def test_one_that_never_got_its_run_goes_too(ada: Any) -> None:
    threads.create(actor=ada, now=NOW, is_temporary=True)

    assert sweep() == 1


def test_one_stays_while_another_run_waits_on_it(ada: Any, assistant: Assistant) -> None:
    run = start(ada, assistant)
    finish(ada, run)
    runs.start(thread=run.thread, assistant=assistant, actor=ada, order=RunOrder(), now=NOW)

    assert sweep() == 0


def test_what_is_to_be_kept_stays(ada: Any, assistant: Assistant) -> None:
    finish(ada, start(ada, assistant, keep=True))
    threads.create(actor=ada, now=NOW)

    assert sweep() == 0
    assert Thread.objects.count() == 2


def test_a_repeated_order_makes_no_second_thread(ada: Any, assistant: Assistant) -> None:
    first = start(ada, assistant, idempotency_key="k", digest="d")

    assert start(ada, assistant, idempotency_key="k", digest="d") == first
    assert Thread.objects.count() == 1


@pytest.mark.parametrize(
    "order",
    [{"command": {"resume": "yes"}}, {"options": {"checkpoint": {"checkpoint_id": "c"}}}],
)
def test_what_only_a_thread_can_answer_makes_none(
    ada: Any, assistant: Assistant, order: dict[str, Any]
) -> None:
    with pytest.raises(ThreadNeeded):
        start(ada, assistant, **order)

    assert not Thread.objects.exists()


def test_one_that_gets_a_run_while_the_sweep_is_under_way_stays(
    ada: Any, assistant: Assistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish(ada, start(ada, assistant))
    used = start(ada, assistant).thread
    finish(ada, used.runs.get())
    delete = threads.delete

    def delete_and_start(**given: Any) -> None:
        monkeypatch.undo()
        delete(**given)
        runs.start(thread=used, assistant=assistant, actor=ada, order=RunOrder(), now=NOW)

    monkeypatch.setattr(threads, "delete", delete_and_start)
    sweep()

    assert Thread.objects.get() == used
    assert Run.objects.filter(status="pending").exists()


def test_one_that_cannot_go_keeps_no_other(
    ada: Any, assistant: Assistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck, free = (start(ada, assistant) for _ in range(2))
    for run in (stuck, free):
        finish(ada, run)
    delete = threads.delete

    def refuse_one(*, thread: Thread, **given: Any) -> None:
        if thread == stuck.thread:
            raise threads.Conflict("Something needs it.")
        delete(thread=thread, **given)

    monkeypatch.setattr(threads, "delete", refuse_one)

    assert sweep() == 1
    assert Thread.objects.get() == stuck.thread

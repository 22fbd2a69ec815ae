"""What a stream does while nothing happens, and when its events are gone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model

from checkpoints_app.saver import ThreadHubSaver
from threadhub.kernel import clock
from threadhub.kernel.api import sse as kernel_sse
from threadhub.kernel.streams.models import StreamEvent
from threads_app.api import sse
from threads_app.api.sse import Watching
from threads_app.models import Graph, Run
from threads_app.services import assistants, runs, threads
from threads_app.services.runs import RunOrder

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


@pytest.fixture
def run() -> Iterator[Run]:
    """A run that waits for a worker; there is none."""
    ada = get_user_model().objects.create_user("ada")
    graph = Graph.objects.create(name="echo", project="p", target="t", status="loaded")
    assistant = assistants.ensure_default(graph=graph, now=clock.now())
    thread = threads.create(actor=ada, now=clock.now(), assistant=assistant)
    order = RunOrder()
    yield runs.start(
        thread=thread,
        assistant=assistant,
        actor=ada,
        order=order,
        now=clock.now(),
    )
    ThreadHubSaver().close()


def cancelled(run: Run) -> Run:
    return runs.cancel(run=run, actor=run.actor, now=clock.now())


def parts_of(response: Any, *, limit: int = 100) -> list[bytes]:
    """Return the first parts of a response, read the way a server reads them."""

    async def read() -> list[bytes]:
        found: list[bytes] = []
        async for part in response.streaming_content:
            found.append(part)
            if len(found) == limit:
                await response._iterator.aclose()
                break
        return found

    return async_to_sync(read)()


@pytest.mark.parametrize("respond", [sse.respond, sse.respond_waiting])
def test_a_sign_of_life_comes_while_nothing_happens(
    run: Run, monkeypatch: pytest.MonkeyPatch, respond: Any
) -> None:
    monkeypatch.setattr(kernel_sse, "HEARTBEAT_SECONDS", 0.01)
    first, *others = parts_of(respond(Watching(run=run), {}), limit=3)

    assert set(others) == ({b" "} if first == b" " else {b": heartbeat\r\n\r\n"})


def test_a_client_that_leaves_between_events_abandons_its_run(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernel_sse, "HEARTBEAT_SECONDS", 0.01)
    left: list[str] = []
    parts_of(sse.respond(Watching(run=run, abandon=lambda: left.append("gone")), {}), limit=2)

    assert left == ["gone"]


def test_a_client_that_stays_to_the_end_abandons_nothing(run: Run) -> None:
    left: list[str] = []
    cancelled(run)
    parts = parts_of(sse.respond(Watching(run=run, abandon=lambda: left.append("gone")), {}))

    assert parts[-1].startswith(b"event: end\r\n")
    assert left == []


def test_a_run_whose_events_are_gone_ends_all_the_same(run: Run) -> None:
    cancelled(run)
    StreamEvent.objects.all()._raw_delete("default")

    assert len(parts_of(sse.respond(Watching(run=run), {}))) == 1
    (*_, result) = parts_of(sse.respond_waiting(Watching(run=run), {}))
    assert json.loads(result) == {}


def test_a_run_that_was_deleted_ends_with_its_thread(run: Run) -> None:
    threads.delete(thread=run.thread, now=clock.now())
    (*_, result) = parts_of(sse.respond_waiting(Watching(run=run), {}))

    assert json.loads(result)["__error__"]["error"] == "RunDeleted"


def test_a_run_given_up_by_the_reaper_streams_its_error(run: Run) -> None:
    failed = {"run_id": str(run.public_id), "status": "error", "reason": "lease ended"}
    run.status, run.error_class, run.error_message = "error", "PoisonRun", "Given up."
    run.save()
    event = StreamEvent.objects.get(run_id=run.public_id)
    event.kind, event.payload = "run.error", failed
    event.save()
    parts = parts_of(sse.respond(Watching(run=run), {}))

    assert b'{"error": "PoisonRun", "message": "Given up."}' in parts[-1]

"""What a stream does while nothing happens, and when its events are gone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from channels.db import database_sync_to_async
from django.contrib.auth import get_user_model

from checkpoints_app.saver import ThreadHubSaver
from threadhub.kernel import clock
from threadhub.kernel.api import sse as kernel_sse
from threadhub.kernel.people import keys
from threadhub.kernel.people.models import ApiKey
from threadhub.kernel.rbac import grants
from threadhub.kernel.rbac.models import RoleGrant
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


def watching(run: Run, **more: Any) -> Watching:
    """What the run's actor asks for, who may still see it."""
    return Watching(run=run, **{"may_watch": lambda: True, **more})


def asking(user: Any, key: ApiKey | None = None) -> Any:
    """A request of this person, as the framework has authenticated it."""
    return SimpleNamespace(user=user, auth=key)


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
    first, *others = parts_of(respond(watching(run), {}), limit=3)

    assert set(others) == ({b" "} if first == b" " else {b": heartbeat\r\n\r\n"})


def test_a_client_that_leaves_between_events_abandons_its_run(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernel_sse, "HEARTBEAT_SECONDS", 0.01)
    left: list[str] = []
    parts_of(
        sse.respond(watching(run, abandon=lambda: left.append("gone")), {}),
        limit=2,
    )

    assert left == ["gone"]


def test_a_client_that_stays_to_the_end_abandons_nothing(run: Run) -> None:
    left: list[str] = []
    cancelled(run)
    parts = parts_of(sse.respond(watching(run, abandon=lambda: left.append("gone")), {}))

    assert parts[-1].startswith(b"event: end\r\n")
    assert left == []


def test_a_run_whose_events_are_gone_ends_all_the_same(run: Run) -> None:
    cancelled(run)
    StreamEvent.objects.all()._raw_delete("default")

    assert len(parts_of(sse.respond(watching(run), {}))) == 1
    (*_, result) = parts_of(sse.respond_waiting(watching(run), {}))
    assert json.loads(result) == {}


def test_a_run_that_was_deleted_ends_with_its_thread(run: Run) -> None:
    threads.delete(thread=run.thread, now=clock.now())
    (*_, result) = parts_of(sse.respond_waiting(watching(run), {}))

    assert json.loads(result)["__error__"]["error"] == "RunDeleted"


def test_a_run_given_up_by_the_reaper_streams_its_error(run: Run) -> None:
    failed = {"run_id": str(run.public_id), "status": "error", "reason": "lease ended"}
    run.status, run.error_class, run.error_message = "error", "PoisonRun", "Given up."
    run.save()
    event = StreamEvent.objects.get(run_id=run.public_id)
    event.kind, event.payload = "run.error", failed
    event.save()
    parts = parts_of(sse.respond(watching(run), {}))

    assert b'{"error": "PoisonRun", "message": "Given up."}' in parts[-1]


class TestRightsLost:
    """Somebody else watches the run, and loses the right to."""

    @pytest.fixture
    def grant(self, run: Run) -> RoleGrant:
        bob = get_user_model().objects.create_user("bob")
        return grants.grant(role="viewer", to=bob, on=run.thread, actor=run.actor, now=clock.now())

    @pytest.fixture
    def watched(self, run: Run, grant: RoleGrant) -> Watching:
        return watching(run, may_watch=kernel_sse.may_watch(asking(grant.user), run, "read"))

    @pytest.mark.parametrize("respond", [sse.respond, sse.respond_waiting])
    def test_a_stream_ends_at_once(
        self,
        run: Run,
        grant: RoleGrant,
        watched: Watching,
        respond: Any,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(kernel_sse, "RIGHTS_SECONDS", 3600)
        monkeypatch.setattr(kernel_sse, "HEARTBEAT_SECONDS", 3600)
        response = respond(watched, {})

        async def read() -> list[bytes]:
            parts = aiter(response.streaming_content)
            found = [await anext(parts)]
            rest = asyncio.ensure_future(collected(parts))
            await database_sync_to_async(grants.revoke)(grant=grant, actor=run.actor)
            return [*found, *await rest]

        *_, last = async_to_sync(read)()
        assert b"NotVisible" in last
        assert b"You may not see this any more." in last

    def test_a_stream_ends_when_it_is_time_to_ask_again(
        self, grant: RoleGrant, watched: Watching, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(kernel_sse, "RIGHTS_SECONDS", 0)
        get_user_model().objects.filter(pk=grant.user_id).update(is_active=False)

        assert b"NotVisible" in parts_of(sse.respond(watched, {}))[-1]

    def test_a_result_is_not_told_when_the_right_went_with_the_end(
        self, run: Run, grant: RoleGrant, watched: Watching
    ) -> None:
        grants.revoke(grant=grant, actor=run.actor)
        cancelled(run)
        assert run.thread.stream_id

        assert b"NotVisible" in parts_of(sse.respond_waiting(watched, {}))[-1]

    def test_a_revoked_key_is_no_longer_good(self, run: Run) -> None:
        text = keys.create(user=run.actor, name="", now=clock.now())
        key = ApiKey.objects.get(prefix=text[: keys.PREFIX_LENGTH])
        may_watch = kernel_sse.may_watch(asking(run.actor, key), run, "read")
        assert may_watch()

        key.revoked_at = clock.now()
        key.save()
        assert not may_watch()


async def collected(parts: Any) -> list[bytes]:
    return [part async for part in parts]

"""What each topic shows, to whom, and when it is shown anew."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from channels.db import database_sync_to_async
from django.test import Client

from services.live_client import ORIGIN, LiveClient
from sessions_app.services import sessions
from threadhub.coordination import creating
from threadhub.kernel import clock, operations
from threadhub.kernel.operations import steering
from threadhub.kernel.people import accounts
from threadhub.kernel.rbac import everywhere, grants
from threadhub.kernel.realtime import answers
from threadhub.kernel.streams import wakeups
from threads_app.models import Interrupt, Run, Thread
from threads_app.services import runs, threads

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


@pytest.fixture
def question(run: Run) -> Interrupt:
    """Return an open question on the thread."""
    return Interrupt.objects.create(
        thread=run.thread,
        run=run,
        interrupt_id=uuid.uuid4().hex,
        checkpoint_id="c",
        task_id="t",
        node="ask",
        value="secret",
        created_at=clock.now(),
    )


@pytest.fixture
def auditor(owner: Any) -> Any:
    """Return somebody who may view everything and read nothing."""
    admin, _ = accounts.ensure(username="root", is_staff=True, is_superuser=True)
    user, _ = accounts.ensure(username="auditor", is_staff=False, is_superuser=False)
    everywhere.grant_everywhere(role="auditor", to=user, actor=admin, now=clock.now())
    return user


class TestThread:
    async def test_readers_see_what_it_asks(
        self, viewer: LiveClient, topic: str, question: Interrupt
    ) -> None:
        async with viewer:
            data = (await viewer.watch(topic))["data"]

        assert data["level"] == "read"
        assert [asked["value"] for asked in data["questions"]] == ["secret"]
        assert data["usage"] == {"checkpoints": 0, "bytes": 0}

    async def test_who_may_only_view_it_does_not(
        self, auditor: Any, cookie: Any, topic: str, question: Interrupt
    ) -> None:
        async with LiveClient(await database_sync_to_async(cookie)(auditor), ORIGIN) as client:
            data = (await client.watch(topic))["data"]

        assert (data["level"], data["questions"]) == ("view", [])
        assert data["thread"]["title"] == "Audit"
        assert data["run"]["kwargs"] == {}
        assert "secret" not in str(data)


class TestSession:
    @pytest.fixture
    def hub_session(self, owner: Any) -> Any:
        made, _ = creating.create(
            actor=owner, members=[], dependencies=[], now=clock.now(), title="Customer 3"
        )
        return made

    async def test_it_is_shown_with_what_happens_in_it(
        self, viewer: LiveClient, hub_session: Any
    ) -> None:
        async with viewer:
            shown = await viewer.watch(f"session:{hub_session.public_id}")
            await database_sync_to_async(sessions.change)(
                session=hub_session, now=clock.now(), title="Customer 4"
            )
            told = await viewer.hear("events")

        assert shown["data"]["session"]["title"] == "Customer 3"
        assert [item["kind"] for item in told["items"]] == ["session.changed"]

    async def test_strangers_are_denied(
        self, ada: Any, auditor: Any, cookie: Any, hub_session: Any
    ) -> None:
        topic = f"session:{hub_session.public_id}"
        async with LiveClient(await database_sync_to_async(cookie)(ada), ORIGIN) as stranger:
            assert await stranger.watch(topic) == {"type": "denied", "topic": topic}
        async with LiveClient(await database_sync_to_async(cookie)(auditor), ORIGIN) as client:
            assert (await client.watch(topic))["data"]["level"] == "view"


async def test_an_operation_is_followed_to_its_end(
    viewer: LiveClient, owner: Any, ada: Any, cookie: Any
) -> None:
    job = await database_sync_to_async(operations.ask)(
        kind="threads.delete", asked_by=owner, now=clock.now(), items=[]
    )
    topic = f"operation:{job.public_id}"
    stranger = LiveClient(await database_sync_to_async(cookie)(ada), ORIGIN)
    async with viewer, stranger:
        shown = await viewer.watch(topic)
        await database_sync_to_async(steering.cancel)(operation=job, actor=owner, now=clock.now())
        told = await viewer.hear("events")

        assert shown["data"]["operation"]["state"] == "pending"
        assert told["items"][-1]["payload"]["state"] == "cancelled"
        assert (await stranger.watch(topic))["type"] == "denied"


class TestInbox:
    async def test_it_counts_what_one_may_answer_and_follows_it(
        self, viewer: LiveClient, run: Run, question: Interrupt, thread: Thread
    ) -> None:
        async with viewer:
            shown = (await viewer.watch("inbox"))["data"]
            await viewer.say("ack", topic="inbox", seq=1)
            await database_sync_to_async(threads.delete)(thread=thread, now=clock.now())
            after = (await viewer.hear("snapshot"))["data"]

        (item,) = shown["items"]
        assert (shown["count"], item["may_answer"], item["node"]) == (1, True, "ask")
        assert (item["thread"], item["title"]) == (thread.public_id, "Audit")
        assert "value" not in item
        assert after == {"count": 0, "items": []}

    async def test_who_may_only_view_sees_that_it_waits(
        self, auditor: Any, cookie: Any, question: Interrupt
    ) -> None:
        async with LiveClient(await database_sync_to_async(cookie)(auditor), ORIGIN) as client:
            shown = (await client.watch("inbox"))["data"]

        assert (shown["count"], shown["items"][0]["may_answer"]) == (0, False)

    async def test_nothing_is_sent_twice_and_nothing_before_the_last_was_seen(
        self, viewer: LiveClient, run: Run, question: Interrupt, happens: Callable[..., Any]
    ) -> None:
        async with viewer:
            await viewer.watch("inbox")
            await happens("run.success")
            assert await viewer.hears_nothing()
            await viewer.say("ack", topic="inbox", seq=1)
            assert await viewer.hears_nothing()

    async def test_what_is_shared_and_taken_back_appears_and_goes(
        self, ada: Any, cookie: Any, owner: Any, thread: Thread, question: Interrupt
    ) -> None:
        async with LiveClient(await database_sync_to_async(cookie)(ada), ORIGIN) as client:
            before = (await client.watch("inbox"))["data"]
            await client.say("ack", topic="inbox", seq=1)
            grant = await database_sync_to_async(grants.grant)(
                role="operator", to=ada, on=thread, actor=owner, now=clock.now()
            )
            shared = (await client.hear("snapshot"))["data"]
            await client.say("ack", topic="inbox", seq=2)
            await database_sync_to_async(grants.revoke)(grant=grant, actor=owner)
            after = (await client.hear("snapshot"))["data"]

        assert [data["count"] for data in (before, shared, after)] == [0, 1, 0]


class TestBoards:
    async def test_the_overview_follows_runs_without_any_wake_up(
        self,
        viewer: LiveClient,
        thread: Thread,
        run: Run,
        owner: Any,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(wakeups, "announce", lambda _: None)
        monkeypatch.setattr(wakeups, "announce_kinds", lambda _: None)
        monkeypatch.setattr(wakeups, "POLL_SECONDS", 0.05)
        async with viewer:
            before = (await viewer.watch("overview"))["data"]
            newest = (await viewer.watch("list:threads"))["data"]
            for topic in ("overview", "list:threads"):
                await viewer.say("ack", topic=topic, seq=1)
            await database_sync_to_async(runs.cancel)(run=run, actor=owner, now=clock.now())
            await database_sync_to_async(threads.create)(actor=owner, now=clock.now())
            changed = {(await viewer.hear("snapshot"))["topic"] for _ in range(2)}

        assert before["threads"] == {"idle": 1, "busy": 0, "interrupted": 0, "error": 0}
        assert newest["newest"] == thread.public_id
        assert changed == {"overview", "list:threads"}

    async def test_health_is_for_who_may_view_everything(
        self, viewer: LiveClient, auditor: Any, cookie: Any
    ) -> None:
        other = LiveClient(await database_sync_to_async(cookie)(auditor), ORIGIN)
        async with viewer, other:
            shown = await other.watch("health")

            assert (shown["data"]["sockets"], shown["data"]["people"]) == (2, 2)
            assert (await viewer.watch("health"))["type"] == "denied"


class TestWithoutASocket:
    @pytest.fixture
    def client(self, owner: Any) -> Client:
        made = Client()
        made.force_login(owner)
        return made

    def test_the_same_messages_come_over_http(
        self, client: Client, topic: str, thread: Thread
    ) -> None:
        (shown,) = client.get("/api/live", {"topic": topic}).json()
        place = {"topic": topic, "since": 1, "epoch": shown["epoch"]}
        (told,) = client.get("/api/live", place).json()

        assert (shown["type"], shown["seq"]) == ("snapshot", 2)
        assert (told["type"], told["from"], told["to"]) == ("events", 2, 2)
        assert [item["kind"] for item in told["items"]] == ["run.pending"]
        (inbox,) = client.get("/api/live", {"topic": "inbox"}).json()
        assert inbox["data"] == {"count": 0, "items": []}

    def test_hidden_and_missing_are_denied_alike(self, ada: Any, topic: str) -> None:
        client = Client()
        client.force_login(ada)

        for asked in (topic, "thread:nobody", "nothing"):
            told = client.get("/api/live", {"topic": asked}).json()
            assert told == [{"type": "denied", "topic": asked}]

    @pytest.mark.parametrize("query", [{}, {"topic": "inbox", "since": "-1"}, {"topic": "x" * 401}])
    def test_a_bad_question_is_refused(self, client: Client, query: dict[str, str]) -> None:
        assert client.get("/api/live", query).status_code == 422

    def test_nobody_else_is_answered(self) -> None:
        assert Client().get("/api/live", {"topic": "inbox"}).status_code == 401


def test_a_snapshot_costs_a_fixed_number_of_queries(
    owner: Any, topic: str, question: Interrupt, query_counts: Callable[..., Any]
) -> None:
    (shown,) = answers.answer(owner, topic, since=None, epoch="")
    for name in (topic, "inbox", "overview", "list:threads"):
        with query_counts(f"live: {name.partition(':')[0]}"):
            answers.answer(owner, name, since=None, epoch="")
    with query_counts("live: thread, only what is new"):
        answers.answer(owner, topic, since=2, epoch=shown["epoch"])

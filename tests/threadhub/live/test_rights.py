"""Who loses a right stops seeing what it opened, whether or not wake-ups arrive."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from channels.db import database_sync_to_async
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.contrib.sessions.models import Session as BrowserSession

from services.live_client import ORIGIN, LiveClient
from threadhub.kernel import clock
from threadhub.kernel.people import keys
from threadhub.kernel.people.models import ApiKey
from threadhub.kernel.rbac import everywhere, grants
from threadhub.kernel.realtime import hub
from threadhub.kernel.streams import wakeups
from threadhub.kernel.streams.log import Item
from threads_app.models import Thread
from threads_app.services import threads

pytestmark = [pytest.mark.django_db(transaction=True)]
Happens = Callable[..., Any]
# Longer than any test waits, and short enough for each.
NEVER, SOON = 3600.0, 0.1


@pytest.fixture(params=["woken", "silent"])
def wakes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let either wake-ups alone tell of a change, or the rounds alone."""
    is_woken = request.param == "woken"
    monkeypatch.setattr(hub, "ROUND_SECONDS", NEVER if is_woken else SOON)
    monkeypatch.setattr(wakeups, "POLL_SECONDS", NEVER if is_woken else SOON)
    if not is_woken:
        monkeypatch.setattr(wakeups, "announce", lambda _: None)
        monkeypatch.setattr(wakeups, "announce_kinds", lambda _: None)
    return


def given(role: str, to: Any, thread: Thread) -> Any:
    return grants.grant(role=role, to=to, on=thread, actor=thread.owner, now=clock.now())


def members(*people: Any) -> Group:
    group = Group.objects.create(name="analysts")
    group.user_set.set(people)
    return group


class TestTopics:
    """Ada watches a thread that was shared with her."""

    @pytest.fixture
    def ways(self, ada: Any, thread: Thread) -> dict[str, Callable[[], Callable[[], object]]]:
        """Ways to share it, each of which returns the way to take it back."""

        def direct() -> Callable[[], object]:
            grant = given("viewer", ada, thread)
            return lambda: grants.revoke(grant=grant, actor=thread.owner)

        def group_left() -> Callable[[], object]:
            group = members(ada)
            given("viewer", group, thread)
            return lambda: group.user_set.remove(ada)

        def group_deleted() -> Callable[[], object]:
            group = members(ada)
            given("viewer", group, thread)
            return group.delete

        def role_everywhere() -> Callable[[], object]:
            admin = root()
            grant = everywhere.grant_everywhere(
                role="auditor", to=ada, actor=admin, now=clock.now()
            )
            return lambda: everywhere.revoke_everywhere(grant=grant, actor=admin)

        def superuser() -> Callable[[], object]:
            get_user_model().objects.filter(pk=ada.pk).update(is_superuser=True)
            return lambda: get_user_model().objects.filter(pk=ada.pk).update(is_superuser=False)

        return {
            "direct": direct,
            "group left": group_left,
            "group deleted": group_deleted,
            "role everywhere": role_everywhere,
            "superuser": superuser,
        }

    @pytest.mark.parametrize("way", ["direct", "group left", "group deleted", "role everywhere"])
    async def test_what_is_taken_back_is_shown_no_more(
        self, wakes: None, ada: Any, topic: str, ways: Any, cookie: Any, happens: Happens, way: str
    ) -> None:
        take_back = await database_sync_to_async(ways[way])()
        client = LiveClient(await database_sync_to_async(cookie)(ada), ORIGIN)
        async with client:
            await client.watch(topic)
            await database_sync_to_async(take_back)()
            told = await client.hear()
            await happens("custom")

            assert told == {"type": "revoked", "topic": topic}
            assert await client.hears_nothing()
            assert (await client.watch(topic))["type"] == "denied"
            assert (await client.watch("inbox"))["type"] == "snapshot"

    async def test_a_change_past_all_signals_is_found_by_the_round(
        self, ada: Any, topic: str, ways: Any, cookie: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(hub, "ROUND_SECONDS", SOON)
        take_back = await database_sync_to_async(ways["superuser"])()
        async with LiveClient(await database_sync_to_async(cookie)(ada), ORIGIN) as client:
            await client.watch(topic)
            await database_sync_to_async(take_back)()

            assert (await client.hear())["type"] == "revoked"

    async def test_a_grant_that_ends_by_itself_is_noticed(
        self, ada: Any, topic: str, thread: Any, cookie: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(hub, "ROUND_SECONDS", SOON)
        monkeypatch.setattr(hub, "ASKED_ANYWAY", 0)
        await database_sync_to_async(grants.grant)(
            role="viewer",
            to=ada,
            on=thread,
            actor=thread.owner,
            now=clock.now(),
            until=clock.now() + timedelta(seconds=1),
        )
        async with LiveClient(await database_sync_to_async(cookie)(ada), ORIGIN) as client:
            await client.watch(topic)

            assert (await client.hear())["type"] == "revoked"

    async def test_losing_only_what_is_inside_masks_it(
        self, ada: Any, topic: str, thread: Any, cookie: Any, happens: Happens
    ) -> None:
        await database_sync_to_async(everywhere.grant_everywhere)(
            role="auditor", to=ada, actor=await database_sync_to_async(root)(), now=clock.now()
        )
        grant = await database_sync_to_async(given)("viewer", ada, thread)
        async with LiveClient(await database_sync_to_async(cookie)(ada), ORIGIN) as client:
            before = await client.watch(topic)
            await database_sync_to_async(grants.revoke)(grant=grant, actor=thread.owner)
            why = await client.hear("resync")
            after = await client.hear("snapshot")
            secret = {"run_id": "r", "status": "error", "error": {"message": "secret"}}
            await happens("custom", Item("updates", {"data": "secret"}), Item("run.error", secret))
            told = await client.hear("events")

        assert (before["data"]["level"], after["data"]["level"]) == ("read", "view")
        assert why["reason"] == "mask"
        assert after["data"]["run"]["kwargs"] == {}
        assert (told["from"], told["to"]) == (after["seq"] + 1, after["seq"] + 3)
        (item,) = told["items"]
        assert item["payload"] == {"run_id": "r", "status": "error"}

    async def test_a_deleted_thread_is_shown_no_more(
        self, wakes: None, viewer: LiveClient, topic: str, thread: Any
    ) -> None:
        async with viewer:
            await viewer.watch(topic)
            await database_sync_to_async(threads.delete)(thread=thread, now=clock.now())

            assert (await viewer.hear())["type"] == "revoked"


def root() -> Any:
    return get_user_model().objects.create_superuser("root")


class TestSockets:
    """What ends a whole socket."""

    @pytest.fixture
    def ends(self, owner: Any) -> dict[str, Callable[[], object]]:
        def deactivate() -> None:
            owner.is_active = False
            owner.save(update_fields=["is_active"])

        def new_password() -> None:
            owner.set_password("another one")
            owner.save(update_fields=["password"])

        return {
            "logout": lambda: [row.delete() for row in BrowserSession.objects.all()],
            "deactivated": deactivate,
            "password": new_password,
        }

    @pytest.mark.parametrize("end", ["logout", "deactivated", "password"])
    async def test_who_is_signed_out_is_hung_up_on(
        self, wakes: None, viewer: LiveClient, topic: str, ends: Any, end: str
    ) -> None:
        async with viewer:
            await viewer.watch(topic)
            await database_sync_to_async(ends[end])()

            assert await viewer.ended() == 4401

    async def test_so_is_a_program_whose_key_was_revoked(
        self, wakes: None, program: LiveClient, topic: str
    ) -> None:
        def revoke() -> None:
            key = ApiKey.objects.get()
            key.revoked_at = clock.now()
            key.save(update_fields=["revoked_at"])

        async with program:
            await program.watch(topic)
            await database_sync_to_async(revoke)()

            assert await program.ended() == 4401

    async def test_another_s_change_ends_nobody_else(
        self, viewer: LiveClient, topic: str, ada: Any, happens: Happens
    ) -> None:
        async with viewer:
            await viewer.watch(topic)
            ada.is_active = False
            await database_sync_to_async(ada.save)()
            await happens("custom")

            assert (await viewer.hear())["type"] == "events"


def test_a_key_s_use_wakes_nobody(owner: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    woken: list[object] = []
    text = keys.create(user=owner, name="", now=clock.now())
    monkeypatch.setattr(wakeups, "announce", woken.append)

    assert keys.check(text, now=clock.now())
    assert woken == []

"""The messages of the live protocol, and each reason to hang up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from channels.db import database_sync_to_async

from services.live_client import ORIGIN, LiveClient
from threadhub.kernel import clock
from threadhub.kernel.realtime import connections, hub
from threadhub.kernel.streams.log import Item
from threads_app.services import threads

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]
Happens = Callable[..., Any]
Header = tuple[bytes, bytes]
TOKEN = Item("messages", {"chunk": True, "message": {"content": "a"}})


async def test_a_viewer_is_shown_the_thread_and_then_what_happens(
    viewer: LiveClient, topic: str, happens: Happens
) -> None:
    async with viewer:
        shown = await viewer.watch(topic)
        await happens("task.started", TOKEN)
        told = await viewer.hear("events")

    assert (shown["seq"], shown["data"]["thread"]["title"]) == (2, "Audit")
    assert shown["data"]["run"]["status"] == "pending"
    assert (told["from"], told["to"], told["dropped"]) == (3, 4, 0)
    assert told["epoch"] == shown["epoch"]
    kinds = [(item["seq"], item["kind"]) for item in told["items"]]
    assert kinds == [(3, "task.started"), (4, "messages")]
    assert told["items"][1]["payload"] == TOKEN.payload
    assert set(told["items"][0]) == {"seq", "ts", "kind", "run_id", "payload"}


async def test_odd_text_arrives_as_it_was_written(
    viewer: LiveClient, topic: str, happens: Happens
) -> None:
    odd = {"lone": "\ud800", "nul": "a\x00b"}
    async with viewer:
        await viewer.watch(topic)
        await happens(Item("custom", odd))
        told = await viewer.hear("events")

    assert told["items"][0]["payload"] == odd


async def test_a_huge_event_is_named_with_its_size(
    viewer: LiveClient, topic: str, happens: Happens
) -> None:
    async with viewer:
        await viewer.watch(topic)
        await happens(Item("updates", {"data": "x" * 100_000}), "custom")
        told = await viewer.hear("events")

    huge, small = told["items"]
    assert huge["payload"] is None and huge["size"] > 100_000
    assert small["payload"] == {}


async def test_a_program_with_a_key_needs_no_origin(program: LiveClient, topic: str) -> None:
    async with program:
        assert (await program.watch(topic))["type"] == "snapshot"
        await program.say("ping")
        assert await program.hear() == {"type": "pong"}


async def test_who_leaves_a_topic_hears_no_more_of_it(
    viewer: LiveClient, topic: str, happens: Happens
) -> None:
    async with viewer:
        await viewer.watch(topic)
        await viewer.say("unsub", topic=topic)
        await viewer.say("ping")
        await viewer.hear("pong")
        await happens("custom")
        assert await viewer.hears_nothing()


class TestComingBack:
    async def test_what_was_missed_is_told_without_a_snapshot(
        self, viewer: LiveClient, program: LiveClient, topic: str, happens: Happens
    ) -> None:
        async with viewer:
            shown = await viewer.watch(topic)
        await happens("custom", "custom")
        async with program:
            place = {"since": shown["seq"], "epoch": shown["epoch"]}
            first = await program.watch(topic, **place)
            told = await program.hear("events")

        assert (first["type"], first["from"], first["to"], first["items"]) == ("events", 3, 2, [])
        assert [item["seq"] for item in told["items"]] == [3, 4]

    async def test_another_epoch_gives_a_snapshot_and_says_why(
        self, viewer: LiveClient, topic: str
    ) -> None:
        async with viewer:
            for place in ({"since": 1, "epoch": "other"}, {"since": 1}, {"since": 99}):
                first = await viewer.watch(topic, **place)
                assert (first["type"], first["reason"]) == ("resync", "epoch")
                assert (await viewer.hear())["type"] == "snapshot"

    async def test_who_missed_too_much_is_shown_everything_anew(
        self, viewer: LiveClient, program: LiveClient, topic: str, happens: Happens
    ) -> None:
        async with viewer:
            shown = await viewer.watch(topic)
        await happens(*["custom"] * 1001)
        async with program:
            first = await program.watch(topic, since=shown["seq"], epoch=shown["epoch"])
            again = await program.hear("snapshot")

        assert first["type"] == "resync"
        assert again["seq"] == shown["seq"] + 1001

    async def test_a_thread_made_anew_under_its_old_id_is_another_epoch(
        self, viewer: LiveClient, topic: str, thread: Any, owner: Any
    ) -> None:
        async with viewer:
            before = await viewer.watch(topic)
            await database_sync_to_async(threads.delete)(thread=thread, now=clock.now())
            assert (await viewer.hear())["type"] == "revoked"
            await database_sync_to_async(threads.create)(
                actor=owner, now=clock.now(), public_id=thread.public_id
            )
            after = await viewer.watch(topic)

        assert after["type"] == "snapshot"
        assert after["epoch"] != before["epoch"]


class TestTokens:
    async def test_a_hidden_tab_gets_none_and_no_frames_for_them(
        self, viewer: LiveClient, topic: str, happens: Happens
    ) -> None:
        async with viewer:
            await viewer.watch(topic, deltas=False)
            await happens(TOKEN, TOKEN)
            assert await viewer.hears_nothing()
            await happens("task.finished")
            told = await viewer.hear("events")

        assert (told["from"], told["to"], told["dropped"]) == (3, 5, 2)
        assert [item["kind"] for item in told["items"]] == ["task.finished"]

    async def test_it_gets_them_again_when_it_says_so(
        self, viewer: LiveClient, topic: str, happens: Happens
    ) -> None:
        async with viewer:
            shown = await viewer.watch(topic, deltas=False)
            await viewer.watch(topic, since=shown["seq"], epoch=shown["epoch"])
            await happens(TOKEN)
            told = await viewer.hear("events")

        assert [item["kind"] for item in told["items"]] == ["messages"]


class TestRefusals:
    async def test_what_is_not_there_or_not_to_be_seen_is_denied_alike(
        self, viewer: LiveClient, signed_in: Header
    ) -> None:
        topics = ["thread:nobody", "thread:", "session:x", "operation:x", "inbox:x", ""]
        async with viewer:
            told = [await viewer.watch(topic) for topic in topics]
        async with LiveClient(signed_in, ORIGIN) as another:
            odd = ["health", "thread:a\x00b", "thread:\ud800"]
            told += [await another.watch(topic) for topic in odd]

        assert told == [{"type": "denied", "topic": topic} for topic in [*topics, *odd]]

    async def test_one_topic_more_than_twenty_is_refused_and_the_others_stay(
        self, viewer: LiveClient, topic: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(connections, "TOPICS_MOST", 1)
        async with viewer:
            await viewer.watch(topic)
            await viewer.say("sub", topic="inbox")
            refused = await viewer.hear()
            await viewer.say("sub", topic=topic)

            assert refused == {"type": "error", "code": "too_many_topics", "topic": "inbox"}
            assert (await viewer.hear())["type"] == "snapshot"

    async def test_a_bad_message_ends_the_socket(self, viewer: LiveClient) -> None:
        async with viewer:
            await viewer.say_text("no json")

            assert await viewer.ended() == 4400

    async def test_so_does_anything_before_hello(self, viewer: LiveClient) -> None:
        await viewer.open()
        await viewer.say("ping")

        assert await viewer.ended() == 4400

    async def test_a_client_of_another_version_is_told_to_load_anew(
        self, viewer: LiveClient
    ) -> None:
        await viewer.open()
        await viewer.say("hello", v=2)

        assert await viewer.ended() == 4410

    @pytest.mark.parametrize("words", [(), ("threadhub.v2",)])
    async def test_so_is_one_that_does_not_speak_the_protocol(
        self, signed_in: Header, words: tuple[str, ...]
    ) -> None:
        client = LiveClient(signed_in, ORIGIN, words=words)
        await client.open()

        assert await client.ended() == 4410

    async def test_there_is_nothing_at_another_address(self) -> None:
        client = LiveClient(ORIGIN, path="/ws/v2/stream")
        await client.open()

        assert await client.ended() == 4404


class TestSigningIn:
    async def test_nobody_else_gets_in(self) -> None:
        clients = [
            LiveClient(ORIGIN),
            LiveClient(ORIGIN, (b"cookie", b"sessionid=unknown")),
            LiveClient(ORIGIN, (b"cookie", b'sessionid="\\')),
            LiveClient((b"authorization", b"Bearer thub_unknown")),
            LiveClient((b"x-api-key", b"thub_unknown")),
        ]
        for client in clients:
            await client.open()

        assert [await client.ended() for client in clients] == [4401] * 5

    async def test_a_page_elsewhere_cannot_use_the_cookie(self, signed_in: Header) -> None:
        origins = [
            b"null",
            b"",
            b"http://elsewhere.example",
            b"http://testserver.elsewhere.example",
            b"http://testserver:81",
            b"file://testserver",
        ]
        clients = [LiveClient(signed_in, (b"origin", origin)) for origin in origins]
        clients.append(LiveClient(signed_in))
        for client in clients:
            await client.open()

        assert not any(client.is_accepted for client in clients)

    async def test_trusted_origins_behind_a_proxy_can(
        self, signed_in: Header, settings: Any
    ) -> None:
        settings.CSRF_TRUSTED_ORIGINS = ["https://hub.example", "https://*.sub.example"]
        async with LiveClient(signed_in, (b"origin", b"https://hub.example")):
            pass
        async with LiveClient(signed_in, (b"origin", b"https://a.sub.example")):
            pass

    async def test_a_host_that_is_not_served_is_nobody_s_page(
        self, signed_in: Header, settings: Any
    ) -> None:
        settings.ALLOWED_HOSTS = ["hub.example"]
        client = LiveClient(signed_in, ORIGIN)
        await client.open()

        assert not client.is_accepted


class TestLimits:
    async def test_eleven_subscriptions_in_a_second_are_too_many(self, viewer: LiveClient) -> None:
        async with viewer:
            for _ in range(11):
                await viewer.say("sub", topic="nothing")

            assert await viewer.ended() == 4429

    async def test_so_are_more_messages_than_anybody_needs(self, viewer: LiveClient) -> None:
        async with viewer:
            for _ in range(101):
                await viewer.say("ping")

            assert await viewer.ended() == 4429

    async def test_so_are_more_sockets_of_one_person(
        self, signed_in: Header, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(hub, "SOCKETS_OF_ONE", 1)
        late = LiveClient(signed_in, ORIGIN)
        async with LiveClient(signed_in, ORIGIN):
            await late.open()
            assert await late.ended() == 4429
        async with LiveClient(signed_in, ORIGIN):
            pass

    async def test_so_are_more_sockets_than_the_process_holds(
        self, viewer: LiveClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(hub, "SOCKETS_OF_ALL", 0)
        await viewer.open()

        assert await viewer.ended() == 4429

    @pytest.mark.parametrize("patience", ["HELLO_SECONDS", "IDLE_SECONDS"])
    async def test_who_says_nothing_is_hung_up_on(
        self, viewer: LiveClient, monkeypatch: pytest.MonkeyPatch, patience: str
    ) -> None:
        monkeypatch.setattr(hub, "ROUND_SECONDS", 0.05)
        await viewer.open()
        if patience == "IDLE_SECONDS":
            await viewer.say("hello", v=1)
        monkeypatch.setattr(connections, patience, -1)

        assert await viewer.ended() == 4408


async def test_a_process_that_ends_says_when_to_come_back(
    viewer: LiveClient, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with viewer:
        await viewer.watch(topic)
        monkeypatch.setattr(hub, "GOODBYE_SECONDS", 0.0)
        await hub.here().say_goodbye()
        bye = await viewer.hear("bye")

        assert bye["code"] == 1012
        assert 0 <= bye["retry_ms"] <= 5000
        assert await viewer.ended() == 4012

"""A client that does not come along is sent less, then a summary, and let go in the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from channels.db import database_sync_to_async

from services.live_client import LiveClient
from threadhub.kernel.realtime import connections, feeds, hub, messages, subscriptions
from threadhub.kernel.streams.log import Item
from threadhub.kernel.streams.models import Stream

pytestmark = [pytest.mark.django_db(transaction=True)]
Happens = Callable[..., Any]
CREDIT = 10
TOKEN = Item("messages", {"chunk": True, "message": {"content": "a"}})


@pytest.fixture(autouse=True)
def small_credit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "CREDIT", CREDIT)


async def fill(viewer: LiveClient, topic: str, happens: Happens) -> int:
    """Let so much happen that the credit is used up, and return the last number sent."""
    await viewer.watch(topic)
    await viewer.say("ack", topic=topic, seq=2)
    await happens(*["custom"] * (CREDIT + 2))
    told = await viewer.hear("events")
    assert await viewer.hears_nothing()
    return int(told["to"])


async def test_no_more_is_sent_than_the_client_has_credit_for(
    viewer: LiveClient, topic: str, happens: Happens
) -> None:
    async with viewer:
        last = await fill(viewer, topic, happens)
        await viewer.say("ack", topic=topic, seq=last)
        rest = await viewer.hear("events")

    assert last == 2 + CREDIT
    assert [item["seq"] for item in rest["items"]] == [last + 1, last + 2]


async def test_large_items_use_it_up_sooner(
    viewer: LiveClient, topic: str, happens: Happens
) -> None:
    large = Item("updates", {"data": "x" * 60_000})
    async with viewer:
        await viewer.watch(topic)
        await happens(*[large] * 6)
        frames = [await viewer.hear("events") for _ in range(2)]

    assert [len(frame["items"]) for frame in frames] == [4, 2]


async def test_tokens_are_left_out_first_and_the_range_has_no_gap(
    viewer: LiveClient, topic: str, happens: Happens
) -> None:
    async with viewer:
        await viewer.watch(topic)
        await viewer.say("ack", topic=topic, seq=2)
        await happens(*["custom"] * (CREDIT // 2 + 1))
        first = await viewer.hear("events")
        await happens(TOKEN, TOKEN, "custom")
        second = await viewer.hear("events")

    assert second["from"] == first["to"] + 1
    assert (second["to"] - first["to"], second["dropped"]) == (3, 2)
    assert [item["kind"] for item in second["items"]] == ["custom"]


async def test_one_that_fell_far_behind_is_shown_everything_anew_once(
    viewer: LiveClient, topic: str, happens: Happens
) -> None:
    async with viewer:
        last = await fill(viewer, topic, happens)
        await happens(*["custom"] * CREDIT)
        assert await viewer.hears_nothing()
        await viewer.say("ack", topic=topic, seq=last)
        why = await viewer.hear()
        shown = await viewer.hear()
        await happens("custom")
        told = await viewer.hear()

    assert why == {"type": "resync", "topic": topic, "reason": "overflow", "mode": "events"}
    assert (shown["type"], shown["seq"]) == ("snapshot", last + 2 + CREDIT)
    assert (told["type"], told["from"]) == ("events", shown["seq"] + 1)


async def test_one_that_often_does_gets_a_summary_for_a_while(
    viewer: LiveClient, topic: str, happens: Happens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriptions, "OVERFLOWS", 1)
    monkeypatch.setattr(subscriptions, "SUMMARY_SECONDS", 0.1)
    async with viewer:
        last = await fill(viewer, topic, happens)
        await happens(*["custom"] * CREDIT)
        assert await viewer.hears_nothing()
        await viewer.say("ack", topic=topic, seq=last)
        why, shown = await viewer.hear(), await viewer.hear()
        await happens("custom", "custom")
        assert await viewer.hears_nothing(), "the last summary was not seen yet"
        await viewer.say("ack", topic=topic, seq=shown["seq"])
        again = await viewer.hear()
        monkeypatch.setattr(subscriptions, "_now", lambda: float("inf"))
        await happens("custom")
        over = await viewer.hear()

    assert (why["reason"], why["mode"]) == ("overflow", "snapshots")
    assert (again["type"], again["seq"]) == ("snapshot", shown["seq"] + 2)
    assert (over["type"], over["mode"]) == ("resync", "events")


async def test_one_that_never_acknowledges_is_let_go(
    viewer: LiveClient, topic: str, happens: Happens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "ROUND_SECONDS", 0.05)
    async with viewer:
        await viewer.watch(topic)
        monkeypatch.setattr(connections, "ACK_SECONDS", 0.0)

        assert await viewer.ended() == 4429


async def test_a_gap_in_the_log_is_told_and_mended(
    viewer: LiveClient, topic: str, thread: Any, happens: Happens
) -> None:
    async with viewer:
        await viewer.watch(topic)
        skipped = Stream.objects.filter(pk=thread.stream_id)
        await database_sync_to_async(super(type(skipped), skipped).update)(last_seq=10)
        await happens("custom")
        why, shown = await viewer.hear(), await viewer.hear()

    assert why["reason"] == "gap"
    assert shown["seq"] == 11


async def test_what_is_not_at_hand_any_more_is_fetched(
    viewer: LiveClient, topic: str, happens: Happens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "TAIL_ITEMS", 2)
    monkeypatch.setattr(subscriptions, "FETCHED", 4)
    seen: list[int] = []
    async with viewer:
        await viewer.watch(topic)
        await happens(*["custom"] * 8)
        while len(seen) < 8:
            told = await viewer.hear("events")
            seen += [item["seq"] for item in told["items"]]
            await viewer.say("ack", topic=topic, seq=told["to"])

    assert seen == list(range(3, 11))


async def test_large_events_arrive_one_after_the_other(
    viewer: LiveClient, topic: str, happens: Happens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "TAIL_SIZE", 100_000)
    large = Item("custom", {"data": "x" * 30_000})
    async with viewer:
        await viewer.watch(topic)
        for _ in range(6):
            await happens(large)
            told = await viewer.hear("events", "error")
            await viewer.say("ack", topic=topic, seq=told["to"])

    assert told["to"] == 8

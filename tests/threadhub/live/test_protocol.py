"""The messages of the live protocol, and each reason to hang up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from services.live_client import ORIGIN, LiveClient
from threadhub.kernel.realtime import connections, hub
from threadhub.kernel.streams.log import Item

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]
Happens = Callable[..., Any]


async def test_a_viewer_is_shown_the_thread_and_then_what_happens(
    viewer: LiveClient, topic: str, happens: Happens
) -> None:
    async with viewer:
        shown = await viewer.watch(topic)
        await happens("task.started", Item("messages", {"chunk": True, "message": {}}))
        told = await viewer.hear("events")

    assert (shown["seq"], shown["data"]["thread"]["title"]) == (2, "Audit")
    assert shown["data"]["run"]["status"] == "pending"
    assert (told["from"], told["to"], told["dropped"]) == (3, 4, 0)
    assert told["epoch"] == shown["epoch"]
    assert [(item["seq"], item["kind"]) for item in told["items"]] == [
        (3, "task.started"),
        (4, "messages"),
    ]

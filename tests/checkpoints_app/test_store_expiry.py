"""Items that live for some minutes: counted from the last use, then gone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from langgraph.store.base import GetOp, PutOp

from checkpoints_app.models import StoreItem
from checkpoints_app.services import items
from checkpoints_app.store import ThreadHubStore
from threadhub.kernel import clock

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]

NOTES = ("olga", "notes")


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], datetime]:
    """Return a function that moves the clock on by minutes."""
    now = clock.now()

    def move(minutes: float) -> datetime:
        nonlocal now
        now += timedelta(minutes=minutes)
        monkeypatch.setattr(clock, "now", lambda: now)
        return now

    move(0)
    return move


def stored() -> int:
    return StoreItem.objects.count()


def test_an_item_is_gone_when_its_time_is_up_swept_or_not(
    store: ThreadHubStore, later: Callable[[float], datetime]
) -> None:
    store.put(NOTES, "short", {}, ttl=1)
    store.put(NOTES, "long", {})
    later(0.99)
    assert store.get(NOTES, "short", refresh_ttl=False) is not None

    now = later(0.02)

    assert store.get(NOTES, "short") is None
    assert [item.key for item in store.search(NOTES)] == ["long"]
    assert [item.key for item in store.search(NOTES, filter={"x": None})] == ["long"]
    assert stored() == 2
    assert items.sweep(now) == 1
    assert stored() == 1


@pytest.mark.parametrize("read", ["get", "search", "filter", "batch"])
def test_reading_lets_an_item_live_as_long_again(
    store: ThreadHubStore, later: Callable[[float], datetime], read: str
) -> None:
    reads: dict[str, Callable[[], Any]] = {
        "get": lambda: store.get(NOTES, "a"),
        "search": lambda: store.search(()),
        "filter": lambda: store.search((), filter={"n": 1}),
        "batch": lambda: store.batch([PutOp(NOTES, "other", {}), GetOp(NOTES, "a")]),
    }
    store.put(NOTES, "a", {"n": 1}, ttl=10)

    for _ in range(3):
        later(6)
        reads[read]()

    later(9)
    assert store.get(NOTES, "a") is not None


def test_reading_without_refresh_changes_nothing(
    store: ThreadHubStore, later: Callable[[float], datetime]
) -> None:
    store.put(NOTES, "a", {}, ttl=10)
    later(6)
    store.get(NOTES, "a", refresh_ttl=False)
    store.search((), refresh_ttl=False)

    later(5)

    assert store.get(NOTES, "a") is None


def test_a_project_may_say_how_long_items_live(
    store_of: Callable[[str], ThreadHubStore], later: Callable[[float], datetime]
) -> None:
    ttl: Any = {"default_ttl": 10, "refresh_on_read": False}
    store = store_of("olga")
    store.ttl_config = ttl
    store.put(NOTES, "default", {})
    store.put(NOTES, "own", {}, ttl=20)
    store.put(NOTES, "forever", {}, ttl=None)
    later(6)
    store.search(())

    later(5)

    assert [item.key for item in store.search(())] == ["forever", "own"]
    assert store.list_namespaces() == [NOTES]


def test_what_expired_begins_again_when_it_is_stored(
    store: ThreadHubStore, later: Callable[[float], datetime]
) -> None:
    store.put(NOTES, "a", {"n": 1}, ttl=1)
    now = later(2)

    store.put(NOTES, "a", {"n": 2})
    found = store.get(NOTES, "a")

    assert found is not None
    assert (found.value, found.created_at) == ({"n": 2}, now)
    assert items.sweep(later(60)) == 0


def test_a_sweep_with_nothing_to_do_writes_nothing(store: ThreadHubStore) -> None:
    store.put(NOTES, "a", {}, ttl=5)

    with CaptureQueriesContext(connection) as queries:
        assert items.sweep(clock.now()) == 0

    assert [query["sql"].split()[0] for query in queries] == ["SELECT"]

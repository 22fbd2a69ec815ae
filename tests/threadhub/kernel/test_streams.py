"""The ordered log of events."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest
from channels.db import database_sync_to_async
from django.db import connection

from threadhub.kernel import transactions
from threadhub.kernel.acts import act
from threadhub.kernel.ids import new_id
from threadhub.kernel.streams import log, wakeups
from threadhub.kernel.streams.log import Item
from threadhub.kernel.streams.models import Stream, StreamEvent

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def stream() -> Stream:
    """Return an empty stream."""
    return log.open_stream(key="thread:t")


def append(stream: Stream, *kinds: str) -> int:
    """Append events of these kinds."""
    with transactions.atomic():
        return log.append(stream_id=stream.pk, items=[Item(kind, {}) for kind in kinds])


def fail_after(_: object) -> None:
    """Raise, once the argument has been evaluated."""
    raise ZeroDivisionError


def test_numbers_events_without_gaps(stream: Stream) -> None:
    assert append(stream, "a", "b") == 2
    assert append(stream, "c") == 3

    assert [(e.seq, e.kind) for e in log.read(stream_id=stream.pk, after=0)] == [
        (1, "a"),
        (2, "b"),
        (3, "c"),
    ]
    assert [e.kind for e in log.read(stream_id=stream.pk, after=2)] == ["c"]
    assert wakeups.last_seqs([stream.pk]) == {stream.pk: 3}


def test_a_rolled_back_append_leaves_no_gap(stream: Stream) -> None:
    append(stream, "a")
    with pytest.raises(ZeroDivisionError), transactions.atomic():
        fail_after(log.append(stream_id=stream.pk, items=[Item("lost", {})]))

    append(stream, "b")

    assert [(e.seq, e.kind) for e in log.read(stream_id=stream.pk, after=0)] == [(1, "a"), (2, "b")]


def test_keeps_what_databases_refuse(stream: Stream) -> None:
    payload = {"nul": "a\x00b", "lone": "\ud800", "big": 2**80, "deep": [[["x"]]]}
    with transactions.atomic():
        log.append(stream_id=stream.pk, items=[Item("odd", payload, new_id())])

    (event,) = log.read(stream_id=stream.pk, after=0)

    assert event.payload == payload


def test_writers_at_once_make_one_gap_free_line(stream: Stream) -> None:
    barrier, seen = threading.Barrier(4), list[list[int]]()

    def write(number: int) -> None:
        barrier.wait(10)
        try:
            for turn in range(10):
                append(stream, f"w{number}.{turn}", f"w{number}.{turn}+")
                events = log.read(stream_id=stream.pk, after=0)
                seen.append([event.seq for event in events])
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    # No reader ever saw n+1 before n.
    assert all(seqs == list(range(1, len(seqs) + 1)) for seqs in seen)
    assert StreamEvent.objects.count() == 80


def test_an_act_writes_rows_events_and_audit_or_nothing(stream: Stream) -> None:
    with pytest.raises(ZeroDivisionError), act("test.fail") as failing:
        fail_after(failing.append(stream.pk, Item("never", {})))

    assert log.read(stream_id=stream.pk, after=0) == []


async def test_a_viewer_is_woken_by_a_commit_in_another_thread() -> None:
    stream = await database_sync_to_async(log.open_stream)(key="thread:w")
    with wakeups.watching(stream.pk) as watch:
        await database_sync_to_async(append, thread_sensitive=False)(stream, "a")

        assert await watch.wait(timeout=5)
    assert stream.pk not in wakeups.watched()


async def test_the_poll_covers_a_lost_wake_up(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = await database_sync_to_async(log.open_stream)(key="thread:p")
    with wakeups.watching(stream.pk) as watch:
        assert await watch.wait(timeout=5), "the first poll tells what is there"
        monkeypatch.setattr(log, "wakeups", SimpleNamespace(announce=id))
        await database_sync_to_async(append, thread_sensitive=False)(stream, "a")

        assert await watch.wait(timeout=5)

"""Append to a stream and read from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from threadhub.kernel import clock
from threadhub.kernel.audit.recording import machinery

from . import wakeups
from .models import Stream, StreamEvent

READ_LIMIT = 500


@dataclass(frozen=True, slots=True)
class Item:
    """An event to append: its kind, a JSON payload, and the run it belongs to."""

    kind: str
    payload: Any
    run_id: UUID | None = None
    at: datetime | None = None


def open_stream(*, key: str) -> Stream:
    """Create the stream of a new thread, session or operation, in the open transaction."""
    return Stream.objects.create(key=key)


def open_streams(first: Mapping[str, Item]) -> list[Stream]:
    """Create the streams of new objects by key, each with its first event; 2 statements a batch."""
    now = clock.now()
    with machinery("stream"):
        streams = Stream.objects.bulk_create(Stream(key=key, last_seq=1) for key in first)
        StreamEvent.objects.bulk_create(
            StreamEvent(
                stream=stream,
                seq=1,
                run_id=item.run_id,
                kind=item.kind,
                payload=item.payload,
                at=item.at or now,
            )
            for stream, item in zip(streams, first.values(), strict=True)
        )
    kinds = {item.kind for item in first.values()}
    transaction.on_commit(lambda: wakeups.announce_kinds(kinds), robust=True)
    return streams


def append(*, stream_id: int, items: Sequence[Item]) -> int:
    """Append events in order and return the last sequence number.

    Must run inside a transaction: the stream's row stays locked until it ends, so nobody
    sees n+1 before n. Viewers are woken after the commit.
    """
    first = _advance(stream_id, len(items)) - len(items) + 1
    now = clock.now()
    rows = [
        StreamEvent(
            stream_id=stream_id,
            seq=first + offset,
            run_id=item.run_id,
            kind=item.kind,
            payload=item.payload,
            at=item.at or now,
        )
        for offset, item in enumerate(items)
    ]
    with machinery("stream"):
        StreamEvent.objects.bulk_create(rows)
    transaction.on_commit(lambda: _wake(stream_id, items), robust=True)
    return first + len(items) - 1


def _wake(stream_id: int, items: Sequence[Item]) -> None:
    wakeups.announce(stream_id)
    wakeups.announce_kinds(item.kind for item in items)


def _advance(stream_id: int, count: int) -> int:
    # The ORM has no UPDATE ... RETURNING, and a second read would be a race.
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE threadhub_stream SET last_seq = last_seq + %s WHERE id = %s RETURNING last_seq",
            [count, stream_id],
        )
        row = cursor.fetchone()
    if row is None:
        raise Stream.DoesNotExist(f"Stream {stream_id} does not exist.")
    return int(row[0])


def read(
    *, stream_id: int, after: int, run_id: UUID | None = None, limit: int = READ_LIMIT
) -> list[StreamEvent]:
    """Return up to `limit` events with a sequence number above `after`, in order; 1 query."""
    events = StreamEvent.objects.filter(seq__gt=after)
    # A run's events all stand in its thread's stream, and have an index of their own.
    events = events.filter(run_id=run_id) if run_id else events.filter(stream_id=stream_id)
    return list(events.order_by("seq")[:limit])

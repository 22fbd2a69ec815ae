"""One act of a person or of ThreadHub: rows, stream items, events and audit in one transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from threadhub.kernel import audit, events, transactions
from threadhub.kernel.streams import log

if TYPE_CHECKING:
    from django.db import models

    from threadhub.kernel.streams.log import Item


class Act:
    """Collects what an act leaves behind; written when its block ends, locks last."""

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self.reason = reason
        self._items: dict[int, list[Item]] = defaultdict(list)
        self._events: list[Any] = []
        self._entries: list[dict[str, Any]] = []

    def append(self, stream_id: int, *items: Item) -> None:
        """Put items at the end of a stream."""
        self._items[stream_id].extend(items)

    def publish(self, *published: Any) -> None:
        """Publish events to their subscribers after the commit."""
        self._events.extend(published)

    def record(
        self,
        target: models.Model,
        *,
        act: str = "",
        outcome: str = "done",
        data: Mapping[str, Any] | None = None,
    ) -> None:
        """Write an audit entry about `target`, named after the act unless `act` says else."""
        self._entries.append(
            {"act": act or self.name, "target": target, "outcome": outcome, "data": data}
        )

    def write(self) -> None:
        """Write everything collected; streams by ascending key, so that acts cannot deadlock."""
        if self._entries:
            audit.record_all({**entry, "reason": self.reason} for entry in self._entries)
        if self._events:
            events.publish(self._events)
        for stream_id in sorted(self._items):
            log.append(stream_id=stream_id, items=self._items[stream_id])


@contextmanager
def act(name: str, *, reason: str = "") -> Iterator[Act]:
    """Open the transaction of an act named `noun.verb`; bulk writes inside are admitted."""
    with transactions.atomic(), audit.recording(name):
        opened = Act(name, reason)
        yield opened
        opened.write()

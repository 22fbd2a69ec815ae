"""A kind of operation that notes what it performs, and people who ask for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connections

from threadhub import tasks
from threadhub.kernel import clock, operations
from threadhub.kernel.operations.executor import Executor
from threadhub.kernel.operations.models import Operation, OperationItem
from threadhub.kernel.streams.models import StreamEvent


class Work:
    """What the kind did, and what it is to do with some keys instead of nothing."""

    def __init__(self) -> None:
        self.performed: list[str] = []
        self.selected = 0
        self.instead: dict[str, Callable[[], Any]] = {}
        self.there = ["a", "b", "c"]

    def perform(self, item: OperationItem) -> Any:
        self.performed.append(item.key)
        return self.instead.get(item.key, lambda: None)()


# The one that works now; the kind is declared once for all tests.
stage = [Work()]


def select(*, user: Any, wanted: Mapping[str, Any]) -> list[tuple[str, str]]:
    stage[0].selected += 1
    return [(key, key.upper()) for key in stage[0].there if key >= wanted.get("from", "")]


@operations.kind("tests.note", select=select, filters=("from",), arguments=("loud",))
def note(*, operation: Operation, item: OperationItem) -> Any:
    return stage[0].perform(item)


@pytest.fixture
def work(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Work:
    """Return the notes; hints go nowhere, since the tests execute themselves."""
    stage[0] = Work()
    monkeypatch.setattr(tasks.execute_operation, "delay", lambda **_: None)
    return stage[0]


@pytest.fixture
def ada(transactional_db: None) -> Any:
    """Return a person."""
    return get_user_model().objects.create_user("ada")


@pytest.fixture
def ask(work: Work, ada: Any) -> Callable[..., Operation]:
    """Return a function that asks for an operation on everything there is."""

    def asking(**more: Any) -> Operation:
        given = {"kind": "tests.note", "asked_by": ada, "now": clock.now(), "wanted": {}}
        return operations.ask(**{**given, **more})

    return asking


@pytest.fixture
def make_executor() -> Iterator[Callable[[], Executor]]:
    """Return a maker of executors, all stopped at the end."""
    made: list[Executor] = []

    def make() -> Executor:
        made.append(Executor())
        return made[-1]

    yield make
    for executor in made:
        assert executor.stop(seconds=5)
    connections.close_all()


@pytest.fixture
def execute(make_executor: Callable[[], Executor]) -> Callable[[Operation], Operation]:
    """Return a function that performs an operation and returns its row afterwards."""

    def executing(operation: Operation) -> Operation:
        make_executor().execute(operation_id=operation.pk)
        operation.refresh_from_db()
        return operation

    return executing


@pytest.fixture
def states() -> Callable[[Operation], dict[str, str]]:
    """Return a function that tells the state of each item."""
    return lambda operation: dict(operation.items.values_list("key", "state"))


@pytest.fixture
def kinds() -> Callable[[Operation], list[str]]:
    """Return a function that tells the kinds of an operation's events, of which none is missing."""

    def told(operation: Operation) -> list[str]:
        events = list(StreamEvent.objects.filter(stream=operation.stream_id).order_by("seq"))
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
        return [event.kind for event in events]

    return told

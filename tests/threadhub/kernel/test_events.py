"""The outbox: stored with the change, delivered after it, at least once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from threadhub.kernel import clock, events
from threadhub.kernel.acts import act
from threadhub.kernel.events.models import OutboxEvent
from threadhub.kernel.observability import correlation

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]


@events.declare("tests.rang")
@dataclass(frozen=True)
class Rang:
    """Something rang."""

    tone: str


heard: list[tuple[str, str]] = []
also_heard: list[str] = []
broken: list[str] = []


@events.subscribe(Rang)
def hear(event: Rang) -> None:
    """Note what rang, unless hearing is broken."""
    if broken:
        raise ConnectionError(broken[0])
    heard.append((event.tone, correlation.current()))


@events.subscribe(Rang)
def hear_too(event: Rang) -> None:
    """Note what rang, too."""
    also_heard.append(event.tone)


@pytest.fixture(autouse=True)
def silence() -> Iterator[None]:
    """Forget what earlier tests heard."""
    heard.clear()
    also_heard.clear()
    broken.clear()
    yield
    broken.clear()


def test_are_delivered_after_the_commit_with_the_correlation_id() -> None:
    with correlation.correlated("c1"), act("bell.ring") as ringing:
        ringing.publish(Rang("c"))
        assert heard == []

    assert heard == [("c", "c1")]
    assert not OutboxEvent.objects.exists()


def test_of_a_rolled_back_act_never_happen() -> None:
    def ring_and_fail() -> None:
        with act("bell.ring") as ringing:
            ringing.publish(Rang("c"))
            ringing.write()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ring_and_fail()

    assert heard == [] and not OutboxEvent.objects.exists()


def test_are_delivered_again_until_the_subscriber_takes_them() -> None:
    broken.append("the broker is away")
    with act("bell.ring") as ringing:
        ringing.publish(Rang("c"))
    row = OutboxEvent.objects.get()
    assert row.attempts == 1
    assert also_heard == ["c"]

    assert events.deliver_due(clock.now()) == 0
    broken.clear()
    assert events.deliver_due(row.due_at + timedelta(minutes=10)) == 1

    assert heard == [("c", "")] or heard[0][0] == "c"
    assert not OutboxEvent.objects.exists()


def test_that_only_a_newer_version_knows_are_kept_for_it() -> None:
    now = clock.now()
    row = OutboxEvent.objects.create(kind="tests.unheard", payload={}, created_at=now, due_at=now)

    assert events.deliver_due(now) == 0

    row.refresh_from_db()
    assert row.attempts == 1 and row.due_at > now

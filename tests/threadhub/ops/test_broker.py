"""What waits in the broker, and whether it answers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from celery import Celery

from services.waiting import wait_until
from threadhub.ops import broker
from threadhub.ops.rehearsal.redis_server import RedisServer


@pytest.fixture
def app(redis_server: RedisServer) -> Iterator[Celery]:
    """Return an application of its own on the private Redis, which asks once."""
    url = redis_server.url.replace("unix://", "redis+socket://")
    made = Celery("test", broker=url, set_as_current=False)
    made.conf.broker_transport_options = {"max_retries": 0}
    yield made
    made.close()


def test_messages_that_wait_are_counted(app: Celery) -> None:
    for _ in range(3):
        app.send_task("nobody.knows", queue="forgotten")

    assert broker.queued(app, ("forgotten", "empty")) == 3


def test_a_broker_that_is_away_and_back_is_said_once_each(
    app: Celery, redis_server: RedisServer
) -> None:
    said: list[str] = []
    redis_server.kill()
    try:
        broker.announce(app, say=said.append)
        wait_until(lambda: said)
        assert said[0].startswith("Waiting for Redis at ") and "refused" in said[0]
    finally:
        redis_server.resume()

    wait_until(lambda: said[1:] == ["Redis answers."])

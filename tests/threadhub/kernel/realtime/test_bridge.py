"""Wake-ups reach other processes, and cost a commit nothing when they cannot."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from channels_redis.pubsub import RedisPubSubChannelLayer

from services.waiting import wait_until
from threadhub.kernel.realtime.bridge import Bridge
from threadhub.kernel.streams import wakeups
from threadhub.ops.rehearsal.redis_server import RedisServer

STREAM = 5


@pytest.fixture
def redis(redis_server: RedisServer) -> RedisServer:
    return redis_server


@pytest.fixture
def make_bridge(redis: RedisServer) -> Iterator[Callable[[], Bridge]]:
    """Return a maker of bridges, each with connections of its own, as a process has."""
    made: list[Bridge] = []

    def make() -> Bridge:
        hosts = [{"address": redis.url, "socket_timeout": None}]
        made.append(Bridge(RedisPubSubChannelLayer(hosts=hosts)))
        return made[-1]

    yield make
    for bridge in made:
        bridge.close()


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Watch the stream here and return what is woken."""
    found: list[int] = []
    monkeypatch.setattr(wakeups, "watched", lambda: [STREAM])
    monkeypatch.setattr(wakeups, "wake", found.append)
    return found


def announced(bridge: Bridge, woken: list[int]) -> bool:
    bridge.announce(STREAM)
    return STREAM in woken


def test_a_wake_up_reaches_who_watches_elsewhere(
    make_bridge: Callable[[], Bridge], woken: list[int]
) -> None:
    here, there = make_bridge(), make_bridge()
    there.look()

    wait_until(lambda: announced(here, woken), interval=0.1)


def test_one_s_own_wake_up_does_not_come_back(
    make_bridge: Callable[[], Bridge], woken: list[int]
) -> None:
    here, there = make_bridge(), make_bridge()
    there.look()
    wait_until(lambda: announced(here, woken), interval=0.1)
    woken.clear()

    there.announce(STREAM)
    there.announce(STREAM + 1)
    here.announce(STREAM)
    wait_until(lambda: woken)

    assert set(woken) == {STREAM}


def test_without_redis_nothing_waits_and_wake_ups_come_back_with_it(
    redis: RedisServer, make_bridge: Callable[[], Bridge], woken: list[int]
) -> None:
    here, there = make_bridge(), make_bridge()
    there.look()
    wait_until(lambda: announced(here, woken), interval=0.1)
    redis.kill()
    try:
        begun = time.process_time()
        for _ in range(1000):
            here.announce(STREAM)
        assert time.process_time() - begun < 1
    finally:
        redis.resume()
        woken.clear()

    wait_until(lambda: announced(here, woken), interval=0.1, timeout=20)


def test_a_bridge_is_no_thread_before_it_is_used() -> None:
    assert Bridge(RedisPubSubChannelLayer(hosts=[]))._thread is None

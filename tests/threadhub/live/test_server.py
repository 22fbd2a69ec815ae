"""The live protocol on a real server: many sockets, bad lines, an orderly end."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from services.live_follower import Follower, hear
from services.threadhub_process import ROOT, ThreadHubProcess
from services.waiting import wait_until

pytestmark = pytest.mark.slow
PROJECT = ROOT / "tests" / "projects" / "engine" / "two.json"
VIEWERS, STEPS = 8, 40


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ThreadHubProcess]:
    folder: Path = tmp_path_factory.mktemp("live")
    running = ThreadHubProcess(var=folder / "var", project=PROJECT)
    running.environment["ENGINE_STEP_SECONDS"] = "0.02"
    running.start()
    yield running
    running.kill()
    assert " ERROR " not in running.log.read_text()


@pytest.fixture(scope="module")
def key(server: ThreadHubProcess) -> str:
    return server.command("create_api_key", "admin")


@pytest.fixture
def api(server: ThreadHubProcess, key: str) -> Iterator[httpx.Client]:
    address = f"http://127.0.0.1:{server.port}/api"
    with httpx.Client(base_url=address, headers={"X-Api-Key": key}, timeout=60) as client:
        yield client


@pytest.fixture
def thread_id(api: httpx.Client) -> str:
    return str(api.post("/threads", json={}).raise_for_status().json()["thread_id"])


def sockets(api: httpx.Client) -> int:
    (message,) = api.get("/live", params={"topic": "health"}).json()
    return int(message["data"]["sockets"])


def test_everybody_sees_every_event_once_whatever_their_line_does(
    server: ThreadHubProcess, api: httpx.Client, key: str, thread_id: str, rng: random.Random
) -> None:
    topic = f"thread:{thread_id}"
    lines = [random.Random(rng.random()) for _ in range(VIEWERS)]
    followers = [Follower(port=server.port, key=key, topic=topic, rng=line) for line in lines]
    body = {"assistant_id": "steps", "input": {"steps": STEPS}}
    with ThreadPoolExecutor(VIEWERS) as pool:
        watching = [pool.submit(one.follow, until="run.success") for one in followers]
        wait_until(lambda: all(one.snapshots for one in followers))
        api.post(f"/threads/{thread_id}/runs", json=body).raise_for_status()
        for one in watching:
            one.result(60)

    last = max(followers[0].seen)
    assert sum(one.losses for one in followers) > 0
    for one in followers:
        first = one.snapshots[0]["seq"] + 1
        assert sorted(one.seen) == list(range(first, last + 1))
    assert {tuple(sorted(one.seen.items())) for one in followers} == {
        tuple(sorted(followers[0].seen.items()))
    }


def test_what_is_large_arrives_too(
    server: ThreadHubProcess, api: httpx.Client, key: str, thread_id: str
) -> None:
    given = {"steps": 1, "value": "x" * 200_000}
    order = {"assistant_id": "steps", "input": given}
    api.post(f"/threads/{thread_id}/runs/wait", json=order).raise_for_status()
    with Follower(port=server.port, key=key, topic=f"thread:{thread_id}").open() as socket:
        assert hear(socket)["data"]["run"]["kwargs"]["input"] == given


def test_sockets_that_come_and_go_leave_nothing(
    server: ThreadHubProcess, api: httpx.Client, key: str, thread_id: str
) -> None:
    follower = Follower(port=server.port, key=key, topic=f"thread:{thread_id}")

    def come_and_go(_: int) -> dict[str, Any]:
        with follower.open() as socket:
            return hear(socket)

    with ThreadPoolExecutor(10) as pool:
        told = list(pool.map(come_and_go, range(100)))

    assert {message["type"] for message in told} == {"snapshot"}
    wait_until(lambda: sockets(api) == 0, message="no socket is left")


def test_a_server_that_stops_says_so_to_every_socket(
    server: ThreadHubProcess, key: str, thread_id: str
) -> None:
    follower = Follower(port=server.port, key=key, topic=f"thread:{thread_id}")
    with follower.open() as socket:
        hear(socket)
        code = server.stop()
        bye = hear(socket)
        with pytest.raises(ConnectionClosed) as raised:
            hear(socket)

    assert code == 0
    assert (bye["type"], bye["code"]) == ("bye", 1012)
    assert raised.value.rcvd is not None and raised.value.rcvd.code == 4012

"""A cluster under load while its parts die: nothing is lost, forked or left waiting.

Prints one row of a table for each kind of fault: runs, attempts, wrong states and forks,
steps that ran again, refused requests, the slowest request, the time from the end of the
load to the end of the last run, and the time in all.
"""

from __future__ import annotations

import os
import random
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from services import requirement
from services.cluster import Cluster
from services.waiting import wait_until
from threadhub.kernel.ids import new_id
from threadhub.ops.rehearsal import postgres_server, redis_server

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).resolve().parents[1] / "projects" / "engine" / "two.json"
FAULTS = int(os.environ.get("CHAOS_KILLS", "2"))
STEPS = 10
ENDED = ("success", "error", "timeout", "interrupted", "cancelled")

Fault = Callable[[Cluster, random.Random], None]


def pause(seconds: float) -> None:
    """Let the load go on for a while."""
    until = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() > until, timeout=seconds + 1)


def kill_redis(cluster: Cluster, rng: random.Random) -> None:
    cluster.redis.kill()
    pause(rng.uniform(1, 10))
    cluster.redis.resume()


def restart_postgres(cluster: Cluster, rng: random.Random) -> None:
    cluster.postgres.end("INT")
    pause(rng.uniform(0, 1))
    cluster.postgres.resume()


def crash_postgres(cluster: Cluster, rng: random.Random) -> None:
    cluster.postgres.end("QUIT")
    cluster.postgres.resume()


def kill_worker(cluster: Cluster, rng: random.Random) -> None:
    worker = rng.choice(cluster.workers)
    worker.kill()
    worker.start()


def kill_web(cluster: Cluster, rng: random.Random) -> None:
    web = rng.choice(cluster.webs)
    web.kill()
    web.start()


FAULTS_BY_NAME: dict[str, Fault] = {
    "Redis killed, 1-10 s away": kill_redis,
    "PostgreSQL restarted (fast)": restart_postgres,
    "PostgreSQL crashed (immediate)": crash_postgres,
    "a worker killed": kill_worker,
    "a web process killed": kill_web,
}


@pytest.fixture(scope="module")
def effects(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the outside table in which nodes count what they did."""
    path = tmp_path_factory.mktemp("effects") / "effects.sqlite3"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE effect (thread TEXT, name TEXT)")
    return path


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, effects: Path) -> Iterator[Cluster]:
    """Return a running cluster with the leases of an installation."""
    if reason := postgres_server.why_unavailable() or redis_server.why_unavailable():
        requirement.lacking(reason)
    made = Cluster(tmp_path_factory.mktemp("cluster"), project=PROJECT)
    made.environment |= {"ENGINE_EFFECTS": str(effects), "ENGINE_STEP_SECONDS": "0.05"}
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="module")
def key(cluster: Cluster) -> str:
    return cluster.command("create_api_key", "operator")


class Load:
    """Starts runs through whichever web process answers; each order is given until taken."""

    def __init__(self, cluster: Cluster, key: str, rng: random.Random) -> None:
        self._clients = [cluster.client(web, key=key) for web in (0, 1)]
        self._rng = rng
        self.taken: dict[str, str] = {}
        self.refused = 0
        self.slowest = 0.0

    def start(self) -> None:
        """Start one run on a new thread."""
        thread = str(new_id())
        self._post("/threads", {"thread_id": thread, "if_exists": "do_nothing"})
        order = {"assistant_id": "steps", "input": {"steps": STEPS}}
        self.taken[thread] = self._post(f"/threads/{thread}/runs", order)["run_id"]

    def _post(self, path: str, body: object) -> dict[str, str]:
        headers = {"Idempotency-Key": str(new_id())}
        begun = time.monotonic()
        while not (answer := self._asked(path, body, headers)):
            self.refused += 1
            pause(0.1)
        self.slowest = max(self.slowest, time.monotonic() - begun)
        return answer

    def _asked(self, path: str, body: object, headers: dict[str, str]) -> dict[str, str]:
        """Return the answer, empty when the process or its database was away."""
        client = self._rng.choice(self._clients)
        try:
            answer = client.post(path, json=body, headers=headers)
        except httpx.TransportError:
            return {}
        assert answer.status_code < 500 or answer.status_code == 503, answer.text
        return dict(answer.json()) if answer.is_success else {}

    def history(self, thread: str) -> list[dict[str, object]]:
        """Return the thread's checkpoints, newest first."""
        answer = self._clients[0].post(f"/threads/{thread}/history", json={"limit": 100})
        return list(answer.raise_for_status().json())


@pytest.mark.parametrize("name", FAULTS_BY_NAME)
def test_every_run_ends_right_whatever_dies(
    cluster: Cluster, key: str, effects: Path, rng: random.Random, name: str
) -> None:
    load, begun = Load(cluster, key, random.Random(rng.random())), time.monotonic()
    more = threading.Event()

    def keep_loading() -> None:
        while not more.is_set():
            load.start()
            # About what eight slots on two cores execute.
            pause(0.15)

    with ThreadPoolExecutor(1) as pool:
        loading = pool.submit(keep_loading)
        for _ in range(FAULTS):
            # Long enough for a killed process to have started again.
            pause(rng.uniform(2, 6))
            FAULTS_BY_NAME[name](cluster, rng)
        more.set()
        loading.result(timeout=120)
    loaded = time.monotonic()
    wait_until(lambda: not unended(cluster, load), timeout=300, message="all runs have ended")
    ended = time.monotonic()

    rows = cluster.rows(
        "SELECT status, attempt, crashes FROM threads_run WHERE public_id = ANY(%s)",
        list(load.taken.values()),
    )
    doubled = sum(assert_done(load, effects, thread) for thread in load.taken)
    attempts = sum(attempt for _, attempt, _ in rows)
    print(
        f"\n| {name} x{FAULTS} | {len(rows)} | {attempts} | 0 / 0 | {doubled} | {load.refused}"
        f" | {load.slowest:.1f} s | {ended - loaded:.1f} s | {ended - begun:.0f} s |"
    )
    assert Counter(status for status, _, _ in rows) == {"success": len(load.taken)}
    assert doubled <= attempts - len(rows)


def unended(cluster: Cluster, load: Load) -> list[object]:
    query = "SELECT id FROM threads_run WHERE public_id = ANY(%s) AND status <> ALL(%s)"
    return [*cluster.rows(query, list(load.taken.values()), list(ENDED))]


def assert_done(load: Load, effects: Path, thread: str) -> int:
    """Check a thread's steps, effects and line of checkpoints; return how many ran again."""
    history: list[Any] = load.history(thread)
    assert [state["metadata"]["step"] for state in history] == list(range(STEPS, -2, -1))
    for state, parent in pairwise(history):
        assert state["parent_checkpoint"]["checkpoint_id"] == parent["checkpoint"]["checkpoint_id"]
    trail = [f"step {n}" for n in range(1, STEPS + 1)]
    assert history[0]["values"]["trail"] == trail
    with sqlite3.connect(effects, timeout=30) as connection:
        rows = connection.execute("SELECT name FROM effect WHERE thread = ?", (thread,)).fetchall()
    assert {name for (name,) in rows} == set(trail)
    return len(rows) - STEPS

"""kill -9 at random moments: the same run is finished by the next process, nothing is lost."""

from __future__ import annotations

import os
import random
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import httpx
import pytest

from services.threadhub_process import ThreadHubProcess
from services.waiting import wait_until

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).resolve().parents[1] / "projects" / "engine" / "langgraph.json"
KILLS = int(os.environ.get("CHAOS_KILLS", "2"))
STEPS = 25 * KILLS
STEP_SECONDS = 0.04


@pytest.fixture(scope="module")
def effects(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the outside table in which nodes count what they did."""
    path = tmp_path_factory.mktemp("kill") / "effects.sqlite3"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE effect (thread TEXT, name TEXT)")
    return path


@pytest.fixture(scope="module")
def server(effects: Path) -> Iterator[ThreadHubProcess]:
    """Return a server of the engine's test project."""
    process = ThreadHubProcess(var=effects.parent / "var", project=PROJECT, LEASE_SECONDS="2")
    process.environment["ENGINE_EFFECTS"] = str(effects)
    process.environment["ENGINE_STEP_SECONDS"] = str(STEP_SECONDS)
    process.start()
    yield process
    process.kill()


def done_steps(effects: Path, thread: str) -> list[str]:
    """Return the effects of a thread in the order they happened."""
    with sqlite3.connect(effects, timeout=30) as connection:
        rows = connection.execute("SELECT name FROM effect WHERE thread = ?", (thread,))
        return [name for (name,) in rows]


def test_a_killed_run_is_finished_by_the_next_process(
    server: ThreadHubProcess, effects: Path, rng: random.Random
) -> None:
    with server.client() as api:
        thread = api.post("/threads", json={}).json()["thread_id"]
        order = {"assistant_id": "steps", "input": {"steps": STEPS}}
        order["config"] = {"recursion_limit": 10 * STEPS}
        run = api.post(f"/threads/{thread}/runs", json=order).json()["run_id"]

        for _ in range(KILLS):
            before = len(done_steps(effects, thread))
            wait_until(lambda b=before: len(done_steps(effects, thread)) > b, timeout=30)
            moment = time.monotonic() + rng.uniform(0, 12 * STEP_SECONDS)
            wait_until(lambda m=moment: time.monotonic() >= m, interval=0.002)
            server.kill()
            server.start()
        finished = api.get(f"/threads/{thread}/runs/{run}/join", timeout=120).json()

        shown = api.get(f"/threads/{thread}/runs/{run}").json()
        assert shown["status"] == "success"
        assert finished["trail"] == [f"step {n}" for n in range(1, STEPS + 1)]
        _assert_one_line_of_checkpoints(api, thread)
        _assert_effects(done_steps(effects, thread), crashes=shown["attempt"] - 1)
        _assert_events(server, thread)


def _assert_one_line_of_checkpoints(api: httpx.Client, thread: str) -> None:
    history = api.post(f"/threads/{thread}/history", json={"limit": 1000}).json()
    steps = [state["metadata"]["step"] for state in history]
    assert steps == list(range(STEPS, -2, -1))
    for state, parent in pairwise(history):
        assert state["parent_checkpoint"]["checkpoint_id"] == parent["checkpoint"]["checkpoint_id"]


def _assert_effects(done: list[str], *, crashes: int) -> None:
    counts = Counter(done)
    assert set(counts) == {f"step {n}" for n in range(1, STEPS + 1)}
    assert sum(counts.values()) - STEPS <= crashes
    assert max(counts.values()) <= 1 + crashes


def _assert_events(server: ThreadHubProcess, thread: str) -> None:
    with sqlite3.connect(server.var / "threadhub.sqlite3") as connection:
        rows = connection.execute(
            "SELECT seq, kind FROM threadhub_stream_event JOIN threadhub_stream s"
            " ON s.id = stream_id WHERE s.key = ? ORDER BY seq",
            (f"thread:{thread}",),
        ).fetchall()
    assert [seq for seq, _ in rows] == list(range(1, len(rows) + 1))
    assert [kind for _, kind in rows].count("run.success") == 1
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_stopped_server_hands_its_run_back_and_ends_in_order(
    server: ThreadHubProcess, effects: Path
) -> None:
    with server.client() as api:
        thread = api.post("/threads", json={}).json()["thread_id"]
        order = {"assistant_id": "steps", "input": {"steps": 20}}
        run = api.post(f"/threads/{thread}/runs", json=order).json()["run_id"]
        wait_until(lambda: len(done_steps(effects, thread)) > 2, timeout=30)

        with api.stream("GET", f"/threads/{thread}/runs/{run}/stream") as viewer:
            assert viewer.status_code == 200
            code = server.stop()
        with sqlite3.connect(server.var / "threadhub.sqlite3") as connection:
            query = "SELECT status, crashes FROM threads_run WHERE public_id = ?"
            row = connection.execute(query, (run.replace("-", ""),)).fetchone()
        server.start()

        assert (code, row) == (0, ("pending", 0))
        finished = api.get(f"/threads/{thread}/runs/{run}/join", timeout=60).json()
        assert finished["trail"] == [f"step {n}" for n in range(1, 21)]

"""kill -9 in the middle of a plan: each thread is started once a need, and the plan ends right."""

from __future__ import annotations

import os
import random
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.threadhub_process import ThreadHubProcess
from services.waiting import wait_until

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).resolve().parents[1] / "projects" / "sessions" / "langgraph.json"
KILLS = int(os.environ.get("CHAOS_KILLS", "2"))
CHAINS = 3
LENGTH = 2 * KILLS
STEP_SECONDS = 0.25


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ThreadHubProcess]:
    """Return a server of the tasks' project."""
    process = ThreadHubProcess(var=tmp_path / "var", project=PROJECT, LEASE_SECONDS="2")
    process.environment["SESSION_EFFECTS"] = str(tmp_path / "effects.sqlite3")
    process.environment["SESSION_STEP_SECONDS"] = str(STEP_SECONDS)
    process.start()
    yield process
    process.kill()


def body() -> dict[str, Any]:
    """Chains of threads side by side, each handing its number to the next."""
    chains = [[f"c{chain}-{place}" for place in range(LENGTH)] for chain in range(CHAINS)]
    return {
        "parallel_limit": 2,
        "start": True,
        "threads": [
            {"name": name, "assistant_id": "task", "input": {"give": name} if not place else None}
            for chain in chains
            for place, name in enumerate(chain)
        ],
        "dependencies": [
            {"from": upstream, "to": name, "kind": "data_flow", "mapping": {"taken": "out"}}
            for chain in chains
            for upstream, name in pairwise(chain)
        ],
    }


def test_a_plan_outlives_its_process(server: ThreadHubProcess, rng: random.Random) -> None:
    with server.client() as api:
        made = api.post("/sessions", json=body())
        assert made.status_code == 201, made.text
        plan = made.headers["Location"]

        for _ in range(KILLS):
            before = ended(api, plan)
            wait_until(lambda b=before: ended(api, plan) > b, timeout=60)
            moment = time.monotonic() + rng.uniform(0, 2 * STEP_SECONDS)
            wait_until(lambda m=moment: time.monotonic() >= m, interval=0.002)
            server.kill()
            server.start()
        wait_until(lambda: api.get(plan).json()["status"] != "running", timeout=120)

        shown = api.get(plan).json()
        session = api.get(plan.partition("/plans/")[0]).json()
        assert (shown["status"], session["status"]) == ("finished", "finished")
        for node in shown["nodes"]:
            assert node["output"]["out"] == f"{node['name'].partition('-')[0]}-0"
            runs = api.get(f"/threads/{node['thread_id']}/runs").json()
            assert [run["status"] for run in runs] == ["success"]
        _assert_events(server, session["session_id"])
        _assert_effects(server)


def ended(api: httpx.Client, plan: str) -> int:
    """Return how many threads of the plan have ended."""
    return sum(node["status"] == "success" for node in api.get(plan).json()["nodes"])


def _assert_events(server: ThreadHubProcess, session_id: str) -> None:
    with sqlite3.connect(server.var / "threadhub.sqlite3") as connection:
        rows = connection.execute(
            "SELECT seq, kind, payload FROM threadhub_stream_event JOIN threadhub_stream s"
            " ON s.id = stream_id WHERE s.key = ? ORDER BY seq",
            (f"session:{session_id}",),
        ).fetchall()
    assert [seq for seq, *_ in rows] == list(range(1, len(rows) + 1))
    kinds = Counter(kind for _, kind, _ in rows)
    assert kinds["node.running"] == kinds["node.success"] == CHAINS * LENGTH
    assert kinds["plan.finished"] == 1


def _assert_effects(server: ThreadHubProcess) -> None:
    """A step may run again after a kill, but no thread is run for a second time without one."""
    path = server.environment["SESSION_EFFECTS"]
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT thread, COUNT(*) FROM effect GROUP BY thread").fetchall()
    assert len(rows) == CHAINS * LENGTH
    assert sum(count for _, count in rows) <= CHAINS * LENGTH + 2 * KILLS

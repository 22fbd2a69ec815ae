"""kill -9 in the middle of an operation: the next process goes on, and no item is done twice."""

from __future__ import annotations

import os
import random
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.threadhub_process import ThreadHubProcess
from services.waiting import wait_until

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("CHAOS_KILLS", "1"))
THREADS = 150 * KILLS


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ThreadHubProcess]:
    """Return a server without graphs."""
    project = tmp_path / "langgraph.json"
    project.write_text('{"graphs": {}}')
    process = ThreadHubProcess(var=tmp_path / "var", project=project, LEASE_SECONDS="2")
    process.start()
    yield process
    process.kill()


def rows(server: ThreadHubProcess, statement: str) -> list[tuple[object, ...]]:
    """Return what the database holds, past the server."""
    with sqlite3.connect(server.var / "threadhub.sqlite3", timeout=30) as connection:
        return connection.execute(statement).fetchall()


def test_a_killed_operation_is_finished_by_the_next_process(
    server: ThreadHubProcess, rng: random.Random
) -> None:
    with server.client() as api:
        for _ in range(THREADS):
            api.post("/threads", json={"metadata": {"team": "a"}}).raise_for_status()
        order = {"kind": "threads.delete", "filter": {"metadata": {"team": "a"}}}
        operation = f"/operations/{api.post('/operations', json=order).json()['operation_id']}"

        for _ in range(KILLS):
            before = api.get(operation).json()["done"]
            wait_until(lambda b=before: api.get(operation).json()["done"] > b, timeout=30)
            moment = time.monotonic() + rng.uniform(0, 0.3)
            wait_until(lambda m=moment: time.monotonic() >= m, interval=0.002)
            server.kill()
            server.start()
        wait_until(lambda: api.get(operation).json()["state"] == "finished", timeout=60)

        shown = api.get(operation).json()
        # An item whose thread went just before the kill finds nothing to do.
        assert shown["done"] + shown["skipped"] == shown["total"] == THREADS
        assert shown["skipped"] <= KILLS
        assert api.post("/threads/search", json={}).json() == []
    events = Counter(rows(server, "SELECT kind FROM threadhub_stream_event"))
    deleted = "SELECT count(*) FROM threadhub_audit_entry WHERE act = 'thread.delete'"
    # Each kill met the operation at work.
    assert events[("operation.running",)] == KILLS + 1
    assert events[("operation.item",)] == THREADS
    assert events[("operation.finished",)] == 1
    assert rows(server, deleted) == [(THREADS,)]

"""Several web and worker processes are one installation, whatever dies."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from services.cluster import Cluster
from services.live_follower import Follower

pytestmark = pytest.mark.slow

DONE = {"success"}


def start(api: httpx.Client, graph: str = "steps", **order: Any) -> tuple[str, str]:
    """Start a run on a new thread and return both ids."""
    thread = api.post("/threads", json={}).raise_for_status().json()["thread_id"]
    body = {"assistant_id": graph, **order}
    run = api.post(f"/threads/{thread}/runs", json=body).raise_for_status().json()["run_id"]
    return thread, run


def trail(steps: int) -> list[str]:
    return [f"step {n}" for n in range(1, steps + 1)]


def result(api: httpx.Client, thread: str, run: str) -> Any:
    """Wait for the run's end and return its values."""
    return api.get(f"/threads/{thread}/runs/{run}/join").raise_for_status().json()


def test_a_run_started_through_one_process_is_followed_and_answered_through_another(
    api: httpx.Client, other: httpx.Client
) -> None:
    thread, run = start(api, "asking", input={})
    seen = other.get(f"/threads/{thread}/runs/{run}/stream", params={"stream_mode": "updates"})
    (question,) = other.get("/interrupts").json()

    order = {"assistant_id": "asking", "command": {"resume": "one"}}
    answer = other.post(f"/threads/{thread}/runs", json=order).raise_for_status().json()["run_id"]

    assert "event: updates" in seen.text and "event: end" in seen.text
    assert question["thread_id"] == thread
    result(api, thread, answer)
    (second,) = api.get("/interrupts").json()
    assert second["value"] == {"question": "second?"}


def test_a_killed_worker_s_run_is_finished_by_the_other(
    cluster: Cluster, api: httpx.Client
) -> None:
    thread, run = start(api, input={"steps": 30})
    worker = cluster.worker_of(run)

    worker.kill()
    worker.start()

    assert result(api, thread, run)["trail"] == trail(30)
    assert cluster.rows("SELECT crashes FROM threads_run WHERE public_id = %s", run) == [(1,)]
    worker.says("runs at a time")


def test_a_stopped_worker_hands_its_run_back(cluster: Cluster, api: httpx.Client) -> None:
    thread, run = start(api, input={"steps": 30})
    worker = cluster.worker_of(run)

    code = worker.stop()
    worker.start()

    assert code == 0
    assert result(api, thread, run)["trail"] == trail(30)
    found = cluster.rows("SELECT crashes, attempt FROM threads_run WHERE public_id = %s", run)
    assert found == [(0, 2)]


def test_runs_are_taken_and_finished_while_the_broker_dies_and_comes_back(
    cluster: Cluster, api: httpx.Client
) -> None:
    before = [start(api, input={"steps": 10}) for _ in range(10)]
    cluster.redis.kill()
    without = [start(api, input={"steps": 10}) for _ in range(5)]
    results = [result(api, *started) for started in without]
    cluster.redis.resume()
    after = [start(api, input={"steps": 10}) for _ in range(5)]

    results += [result(api, *started) for started in before + after]

    assert [found["trail"] for found in results] == [trail(10)] * 20
    runs = [run for _, run in before + without + after]
    query = "SELECT status, crashes FROM threads_run WHERE public_id = ANY(%s)"
    assert Counter(cluster.rows(query, runs)) == {("success", 0): 20}


def test_processes_wait_for_what_is_away_and_say_so(cluster: Cluster, api: httpx.Client) -> None:
    cluster.redis.kill()
    cluster.postgres.end("INT")
    late = cluster.process("late", "worker")
    late.start()
    try:
        late.says("Waiting for PostgreSQL at ")
        cluster.postgres.resume()
        late.says("PostgreSQL answers.")
        late.says("Waiting for Redis at ")
        cluster.redis.resume()
        late.says("Redis answers.")

        assert result(api, *start(api, input={"steps": 3}))["trail"] == trail(3)
        assert late.stop() == 0
    finally:
        late.kill()


def test_a_run_through_one_process_is_seen_live_through_the_other(
    cluster: Cluster, api: httpx.Client, key: str
) -> None:
    thread = api.post("/threads", json={}).raise_for_status().json()["thread_id"]
    port = cluster.ports[1]
    followers = [Follower(port=port, key=key, topic=f"thread:{thread}") for _ in range(3)]
    with ThreadPoolExecutor() as pool:
        watching = [pool.submit(one.follow, until="run.success") for one in followers]
        cluster.wait_for(lambda: all(one.snapshots for one in followers), message="they watch")
        body = {"assistant_id": "steps", "input": {"steps": 10}}
        run = api.post(f"/threads/{thread}/runs", json=body).raise_for_status().json()["run_id"]
        cluster.worker_of(run)
        cluster.redis.kill()
        cluster.redis.resume()
        for one in watching:
            one.result(60)

    query = (
        "SELECT count(*) FROM threadhub_stream_event e JOIN threads_thread t USING (stream_id) "
        "WHERE t.public_id = %s AND e.seq > %s"
    )
    for one in followers:
        assert cluster.rows(query, thread, one.snapshots[0]["seq"]) == [(len(one.seen),)]

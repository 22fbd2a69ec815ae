"""How long the pages that follow a run take where it has very many events.

    python benchmarks/console/timeline.py [sqlite|postgres] [--events 10000]

Makes a private database, writes the log of one run, asks the console in this process and
prints a table in Markdown. The times are those of the server: middleware, view, rendering.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

REPEATS = 30
# Events of one turn of the loop: a task's start, output, update and end, and a checkpoint.
TURN = 5
PAGES = (
    ("Live", "live", {}),
    ("Timeline, compact", "timeline", {}),
    ("Timeline, waterfall", "timeline", {"zoom": "waterfall"}),
    ("Timeline, waterfall, last page", "timeline", {"zoom": "waterfall", "after": "9000"}),
    ("Timeline, waterfall, errors only", "timeline", {"zoom": "waterfall", "only": "error"}),
    ("Timeline, all events", "timeline", {"zoom": "events"}),
    ("Timeline, a step", "timeline", {"zoom": "waterfall", "span": "5003"}),
    ("Runs", "runs", {}),
)


def turns(count: int) -> Iterator[tuple[str, Any]]:
    """Yield the events of a loop over six nodes; one step in a hundred fails once."""
    yield "run.running", {"status": "running", "attempt": 1}
    for number in range(count):
        node, task = f"node {number % 6}", f"task-{number}"
        named = {"ns": "", "id": task, "name": node}
        error = "ValueError" if number % 100 == 99 else None
        yield "task.started", {**named, "triggers": [f"branch:to:{node}"]}
        yield "custom", {"ns": "", "data": {"text": f"turn {number}", "done": number / count}}
        yield "updates", {"ns": "", "data": {node: {"trail": [f"turn {number}"] * 5}}}
        yield "task.finished", {**named, "error": error, "interrupts": []}
        place = {"ns": "", "checkpoint_id": f"c{number}", "parent_id": None, "source": "loop"}
        yield "checkpoint", {**place, "step": number, "next": [node]}


def fill(events: int) -> Any:
    """Make a thread with one run of so many events, and return it."""
    from django.contrib.auth import get_user_model
    from django.db import transaction

    from threadhub.kernel import clock
    from threadhub.kernel.streams import log
    from threadhub.kernel.streams.log import Item
    from threads_app.models import Graph
    from threads_app.services import assistants, runs, threads
    from threads_app.services.runs import RunOrder

    owner = get_user_model().objects.create_user("owner")
    nodes = [{"id": f"node {number}"} for number in range(6)]
    edges = [{"source": f"node {n}", "target": f"node {(n + 1) % 6}"} for n in range(6)]
    graph = Graph.objects.create(
        name="loop",
        project="benchmarks",
        target="./loop.py:graph",
        status=Graph.Status.LOADED,
        description={"nodes": nodes, "edges": edges},
    )
    now = clock.now()
    assistant = assistants.ensure_default(graph=graph, now=now)
    thread = threads.create(actor=owner, now=now, assistant=assistant, title="loop")
    run = runs.start(thread=thread, assistant=assistant, actor=owner, order=RunOrder(), now=now)
    run.status, run.started_at, run.finished_at = "success", now, clock.now()
    run.input = {}
    run.save(update_fields=["status", "started_at", "finished_at", "input"])
    items = [Item(kind, payload, run.public_id) for kind, payload in turns(events // TURN)]
    with transaction.atomic():
        log.append(stream_id=thread.stream_id, items=items)
    return thread


def measure(database: str, thread: Any) -> None:
    """Print a row for each page: queries, rows, bytes, best, p50 and p95."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext
    from django.urls import reverse

    client = Client()
    client.force_login(thread.owner)
    print("| database | page | queries | table rows | KB | best ms | p50 ms | p95 ms |")
    print("|---|---|---|---|---|---|---|---|")
    # The first page of a process draws what is kept for the others.
    timed(database, "Timeline, compact, never looked at", thread, client)
    for name, tab, query in PAGES:
        address = reverse(f"admin:threads_app_thread_{tab}", args=[thread.pk])
        with CaptureQueriesContext(connection) as captured:
            body = client.get(address, query).content
        queries = len(captured)
        times = []
        for _ in range(REPEATS):
            begun = time.perf_counter()
            assert client.get(address, query).status_code == 200
            times.append((time.perf_counter() - begun) * 1000)
        p95 = statistics.quantiles(times, n=20)[-1]
        figures = f"{min(times):.1f} | {statistics.median(times):.1f} | {p95:.1f}"
        rows = body.count(b"<tr")
        counted = f"{queries} | {rows} | {len(body) / 1024:.0f}"
        print(f"| {database} | {name} | {counted} | {figures} |", flush=True)


def timed(database: str, name: str, thread: Any, client: Any) -> None:
    """Print the row of a page whose run nobody has looked at before."""
    from django.urls import reverse

    from threads_app.selectors import timelines

    address = reverse("admin:threads_app_thread_timeline", args=[thread.pk])
    client.get(address)
    times = []
    for _ in range(REPEATS):
        timelines._known.clear()
        begun = time.perf_counter()
        assert client.get(address).status_code == 200
        times.append((time.perf_counter() - begun) * 1000)
    p95 = statistics.quantiles(times, n=20)[-1]
    figures = f"{min(times):.1f} | {statistics.median(times):.1f} | {p95:.1f}"
    print(f"| {database} | {name} | | | | {figures} |")


def memory(thread: Any) -> None:
    """Print what the fold holds at its most, beside the log it reads."""
    from threads_app.models import Run
    from threads_app.selectors import timelines

    ids = list(Run.objects.filter(thread=thread).values_list("public_id", flat=True))
    timelines.picture(ids)
    timelines._known.clear()
    tracemalloc.start()
    picture = timelines.picture(ids)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(f"\nThe fold of {picture.seq} events held {peak / 1024:.0f} KB at its most.")


def main() -> None:
    """Fill a database and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("database", nargs="?", default="sqlite", choices=["sqlite", "postgres"])
    parser.add_argument("--events", type=int, default=10_000)
    given = parser.parse_args()
    from permissions.lists import database

    with database(given.database):
        thread = fill(given.events)
        measure(given.database, thread)
        memory(thread)


if __name__ == "__main__":
    main()

"""How long the list of threads, the overview and the inbox take with very many rows.

    python benchmarks/console/threads_list.py [sqlite|postgres] [--threads 100000] [--runs 500000]

Makes a private database, fills it, asks the console in this process and prints a table in
Markdown. The times are those of the server: middleware, view, templates; no network.
"""

from __future__ import annotations

import argparse
import random
import sys
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks" / "permissions"))

import lists  # noqa: E402  # the same threads, people and rights

BATCH = 20_000
DAYS = 30
LIST, INBOX, HOME = "/console/threads_app/thread/", "/console/inbox/", "/console/"


def fill_runs(filled: lists.Filled, count: int, rng: random.Random) -> None:
    """Make runs of the past 30 days, in the order of their keys, and questions that wait."""
    from django.db import connection, transaction

    from threads_app.models import Graph, Thread

    graphs = [
        Graph.objects.create(name=f"graph{n}", project="p", target="x", status="loaded")
        for n in range(5)
    ]
    template = runs_like(filled.person, graphs[0])
    names, marks = ", ".join(template), ", ".join(["%s"] * len(template))
    statement = f"INSERT INTO threads_run ({names}) VALUES ({marks})"
    # One transaction: by themselves, half a million rows would be written to disk one by one.
    with transaction.atomic(), connection.cursor() as cursor:
        for start in range(0, count, BATCH):
            places = range(start, start + BATCH)
            cursor.executemany(
                statement,
                [
                    list({**template, **row}.values())
                    for row in changing(filled, graphs, places, count, rng)
                ],
            )
        for graph in graphs:
            share = f"id % 5 = {graphs.index(graph)}".replace("%", "%%")
            cursor.execute(f"UPDATE threads_thread SET graph_id = %s WHERE {share}", [graph.pk])
    waiting = list(Thread.objects.filter(status="interrupted").values_list("pk", flat=True))
    ask(waiting)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def runs_like(person: Any, graph: Any) -> dict[str, Any]:
    """Return the columns of a run as the database takes them."""
    from django.db import connection

    from threadhub.kernel import clock
    from threads_app.models import Run

    now = clock.now()
    run = Run(
        public_id=uuid.UUID(int=0), assistant_id=uuid.UUID(int=1), thread_id=0, graph=graph,
        actor=person, created_at=now, updated_at=now, started_at=now, finished_at=now,
    )  # fmt: skip
    fields = [field for field in Run._meta.concrete_fields if not field.primary_key]
    return {
        field.column: field.get_db_prep_save(getattr(run, field.attname), connection)
        for field in fields
    }


def changing(
    filled: lists.Filled, graphs: list[Any], places: range, count: int, rng: random.Random
) -> Iterator[dict[str, Any]]:
    """Yield what differs from run to run; later runs began later."""
    from django.db import connection

    from threadhub.kernel import clock

    now, moment = clock.now(), connection.ops.adapt_datetimefield_value
    is_sqlite = connection.vendor == "sqlite"
    for place in places:
        begun = now - timedelta(days=DAYS) * (1 - place / count)
        ended = begun + timedelta(seconds=rng.expovariate(1 / 20))
        public_id = uuid.UUID(int=rng.getrandbits(128))
        yield {
            "public_id": public_id.hex if is_sqlite else public_id,
            "thread_id": rng.choice(filled.keys),
            "graph_id": rng.choice(graphs).pk,
            "status": rng.choices(("success", "error", "interrupted"), (90, 5, 5))[0],
            "created_at": moment(begun),
            "started_at": moment(begun),
            "finished_at": moment(ended),
        }


def ask(waiting: list[int]) -> None:
    """Open a question on each thread that waits."""
    from threadhub.kernel import audit, clock
    from threads_app.models import Interrupt, Run

    some_run = Run.objects.order_by("pk").values_list("pk", flat=True)[0]
    now = clock.now()
    with audit.recording("benchmark"):
        Interrupt.objects.bulk_create(
            (
                Interrupt(
                    thread_id=key, run_id=some_run, interrupt_id=f"{key:032x}", checkpoint_id="c",
                    task_id="t", node="ask", value={"question": "Go on?"}, created_at=now,
                )
                for key in waiting
            ),
            batch_size=5_000,
        )  # fmt: skip


def signed_in(user: Any) -> Any:
    from django.test import Client

    client = Client()
    client.force_login(user)
    return client


def page(client: Any, address: str, **query: str) -> Callable[[], Any]:
    def call() -> Any:
        answer = client.get(address, query)
        assert answer.status_code == 200, answer
        return answer.content

    return call


def pages(filled: lists.Filled) -> dict[str, Callable[[], Any]]:
    from django.contrib.auth import get_user_model

    root = get_user_model().objects.create_superuser("root")
    every, owner, some = signed_in(root), signed_in(filled.keeper), signed_in(filled.person)
    waiting = {"status__exact": "interrupted"}
    return {
        "threads, superuser": page(every, LIST),
        "threads that wait, superuser": page(every, LIST, **waiting),
        "threads of one graph, superuser": page(every, LIST, graph="graph3"),
        "threads of the past 24 hours, superuser": page(every, LIST, active="24h"),
        "threads by title, superuser": page(every, LIST, q="Thread 77"),
        "threads, owner of a third": page(owner, LIST),
        "threads that wait, owner of a third": page(owner, LIST, **waiting),
        "threads, 3 020 shared": page(some, LIST),
        "threads that wait, 3 020 shared": page(some, LIST, **waiting),
        "inbox, superuser": page(every, INBOX),
        "inbox, owner of a third": page(owner, INBOX),
        "inbox, 3 020 shared": page(some, INBOX),
        "overview, superuser": page(every, HOME),
        "overview of 30 days, superuser": page(every, HOME, window="30d"),
        "overview, owner of a third": page(owner, HOME),
        "overview of 30 days, 3 020 shared": page(some, HOME, window="30d"),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=("sqlite", "postgres"))
    parser.add_argument("--threads", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=500_000)
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=100)
    asked = parser.parse_args()
    rng = random.Random(asked.seed)
    lists.REPEATS = asked.repeats
    with lists.database(asked.kind):
        filled = lists.fill(asked.threads, rng)
        fill_runs(filled, asked.runs, rng)
        print("| database | page | queries | best ms | p50 ms | p95 ms |")
        print("|---|---|---|---|---|---|", flush=True)
        for name, call in pages(filled).items():
            count, *times = lists.measured(call)
            shown = " | ".join(f"{one:.1f}" for one in times)
            print(f"| {asked.kind} | {name} | {count} | {shown} |", flush=True)


if __name__ == "__main__":
    main()

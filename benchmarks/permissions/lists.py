"""How long a page of 50 threads takes somebody who sees few of very many.

    python benchmarks/permissions/lists.py [sqlite|postgres] [--threads 100000]

Makes a private database, fills it, asks the API in this process and prints a table in
Markdown. The times are those of the server: middleware, view, rendering; no network.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
REPEATS = 200
BATCH = 5_000
# What the person is granted directly, what their group is, and what they own.
DIRECT, BY_GROUP, OWN = 1_000, 2_000, 20


@contextmanager
def database(kind: str) -> Iterator[None]:
    """Run with an empty database that is gone afterwards."""
    sys.path.insert(0, str(ROOT))
    from threadhub.ops.rehearsal.postgres_server import PostgresServer

    server = PostgresServer() if kind == "postgres" else None
    folder = tempfile.TemporaryDirectory(prefix="threadhub-benchmark-")
    os.environ["THREADHUB_VAR"] = folder.name
    os.environ["THREADHUB_TEST_DATABASE"] = kind
    os.environ["DJANGO_SETTINGS_MODULE"] = "threadhub.settings.test"
    if server:
        os.environ["THREADHUB_DATABASE_URL"] = server.url
    import django
    from django.test.utils import get_runner, setup_test_environment

    django.setup()
    from django.conf import settings

    setup_test_environment()
    runner = get_runner(settings)(verbosity=0, interactive=False)
    made = runner.setup_databases()
    try:
        yield
    finally:
        runner.teardown_databases(made)
        folder.cleanup()
        if server:
            server.stop()


@dataclass
class Filled:
    """Two people: one with whom much was shared, one who owns every third thread."""

    person: Any
    keeper: Any
    owners: list[Any]
    keys: list[int]


def fill(count: int, rng: random.Random) -> Filled:
    """Make threads and people, and the rights of one of them."""
    from django.contrib.auth import get_user_model
    from django.db import connection

    from threadhub.kernel import audit
    from threads_app.models import Thread

    people = get_user_model().objects
    owners = people.bulk_create(people.model(username=f"owner{n}") for n in range(100))
    person, keeper = people.create_user("person"), people.create_user("keeper")
    with audit.recording("benchmark"):
        for start in range(0, count, BATCH):
            make_threads(start, [*owners, *[keeper] * 50], rng)
        filled = Filled(person, keeper, owners, list(Thread.objects.values_list("pk", flat=True)))
        Thread.objects.filter(pk__in=rng.sample(filled.keys, OWN)).update(owner=person)
        share(filled, rng)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return filled


def make_threads(start: int, owners: list[Any], rng: random.Random) -> None:
    from checkpoints_app.models import CheckpointHead
    from threadhub.kernel import clock
    from threadhub.kernel.streams.models import Stream
    from threads_app.models import Thread

    now = clock.now()
    ids = [str(uuid.UUID(int=rng.getrandbits(128))) for _ in range(BATCH)]
    heads = CheckpointHead.objects.bulk_create(CheckpointHead(key=key) for key in ids)
    streams = Stream.objects.bulk_create(Stream(key=f"thread:{key}") for key in ids)
    Thread.objects.bulk_create(
        Thread(
            public_id=key,
            owner=rng.choice(owners),
            head=head,
            stream=stream,
            title=f"Thread {start + place}",
            status=rng.choice(("idle", "idle", "idle", "interrupted", "error")),
            metadata={"patient": place},
            created_at=now,
            updated_at=now - timedelta(seconds=rng.randrange(10**7)),
        )
        for place, (key, head, stream) in enumerate(zip(ids, heads, streams, strict=True))
    )


def share(filled: Filled, rng: random.Random) -> None:
    """Grant much to one person and their group, and to others, so that the tables are full."""
    from django.contrib.auth.models import Group
    from django.db import transaction

    from threadhub.kernel import clock
    from threadhub.kernel.rbac import derive
    from threadhub.kernel.rbac.models import Role, RoleGrant

    group, viewer = Group.objects.create(name="group"), Role.objects.get(name="viewer")
    filled.person.groups.add(group)
    subjects = [({"user": filled.person}, DIRECT), ({"group": group}, BY_GROUP)]
    subjects += [({"user": owner}, DIRECT) for owner in filled.owners[:20]]
    granted = {"role": viewer, "grantor": filled.owners[0], "starts_at": clock.now()}
    for subject, many in subjects:
        chosen = rng.sample(filled.keys, many)
        RoleGrant.objects.bulk_create(
            RoleGrant(thread_id=key, is_begun=True, **granted, **subject) for key in chosen
        )
        with transaction.atomic():
            derive.refresh_objects(thread_ids=chosen)


def measured(call: Callable[[], Any]) -> tuple[int, float, float, float]:
    """Return the number of queries; the best, median and 95th percentile in milliseconds."""
    from django.db import connection

    statements: list[str] = []

    def noted(execute: Any, sql: str, *rest: Any) -> Any:
        statements.append(sql)
        return execute(sql, *rest)

    call()
    with connection.execute_wrapper(noted):
        call()
    times = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        call()
        times.append((time.perf_counter() - began) * 1000)
    slow = statistics.quantiles(times, n=20)[-1]
    return len(statements), min(times), statistics.median(times), slow


def searches(filled: Filled) -> dict[str, Callable[[], Any]]:
    """Return what is measured: pages of 50, through the API."""
    person, keeper = as_client(filled.person), as_client(filled.keeper)
    return {
        "latest 50 of 3 020 visible": search(person),
        "latest 50 of them that wait": search(person, status="interrupted"),
        "50 of them, after 1 000": search(person, offset=1_000),
        "50 of them by id": search(person, sort_by="thread_id"),
        "latest 50 of a third of all, owned": search(keeper),
    }


def as_client(user: Any) -> Any:
    from django.test import Client

    from threadhub.kernel import clock
    from threadhub.kernel.people import keys

    return Client(headers={"X-Api-Key": keys.create(user=user, name="", now=clock.now())})


def search(client: Any, **body: Any) -> Callable[[], Any]:
    asked = {"limit": 50, "sort_by": "updated_at", "sort_order": "desc", **body}

    def call() -> Any:
        answer = client.post("/api/threads/search", asked, content_type="application/json")
        assert answer.status_code == 200, answer.content
        assert len(answer.json()) == 50
        return answer

    return call


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=("sqlite", "postgres"))
    parser.add_argument("--threads", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=4)
    asked = parser.parse_args()
    with database(asked.kind):
        filled = fill(asked.threads, random.Random(asked.seed))
        print(
            "| database | list | queries | best ms | p50 ms | p95 ms |\n|---|---|---|---|---|---|"
        )
        for name, call in searches(filled).items():
            count, *times = measured(call)
            shown = " | ".join(f"{one:.1f}" for one in times)
            print(f"| {asked.kind} | {name} | {count} | {shown} |", flush=True)


if __name__ == "__main__":
    main()

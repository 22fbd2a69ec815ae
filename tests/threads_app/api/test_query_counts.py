"""Reads whose number of queries does not grow with what they show."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from threadhub.kernel import clock
from threadhub.kernel.people import keys
from threads_app.models import Graph, Interrupt, Run, Thread
from threads_app.services import assistants, runs, threads
from threads_app.services.runs import RunOrder

pytestmark = pytest.mark.django_db
NOW = clock.now()


@pytest.fixture
def ada() -> Any:
    return get_user_model().objects.create_user("ada")


@pytest.fixture
def client(ada: Any) -> Client:
    made = Client(headers={"X-Api-Key": keys.create(user=ada, name="", now=NOW)})
    # The first use of a key is noted; later ones are not, for a while.
    made.get("/api/interrupts")
    return made


@pytest.fixture
def graph() -> Graph:
    return Graph.objects.create(name="echo", project="p", target="t", status="loaded")


@pytest.fixture
def thread(ada: Any, graph: Graph) -> Thread:
    return threads.create(
        actor=ada, now=NOW, assistant=assistants.ensure_default(graph=graph, now=NOW)
    )


def ask(thread: Thread, run: Run) -> None:
    Interrupt.objects.create(
        thread=thread,
        run=run,
        interrupt_id=uuid.uuid4().hex,
        checkpoint_id="c",
        task_id="t",
        node="ask",
        created_at=NOW,
    )
    thread.status = Thread.Status.INTERRUPTED
    thread.save()


def start(thread: Thread, graph: Graph, ada: Any) -> Run:
    return runs.start(
        thread=thread,
        assistant=assistants.ensure_default(graph=graph, now=NOW),
        actor=ada,
        order=RunOrder(),
        now=NOW,
    )


@pytest.mark.parametrize("count", [1, 5])
def test_the_list_of_threads(
    client: Client, ada: Any, graph: Graph, query_counts: Any, count: int
) -> None:
    for _ in range(count):
        thread = threads.create(
            actor=ada, now=NOW, assistant=assistants.ensure_default(graph=graph, now=NOW)
        )
        ask(thread, start(thread, graph, ada))
    with query_counts("api: list of threads"):
        answer = client.post("/api/threads/search", {}, content_type="application/json")

    assert len(answer.json()) == count
    assert all(row["interrupts"] for row in answer.json())


def test_a_thread(
    client: Client, ada: Any, graph: Graph, thread: Thread, query_counts: Any
) -> None:
    ask(thread, start(thread, graph, ada))
    with query_counts("api: thread"):
        answer = client.get(f"/api/threads/{thread.public_id}")

    assert answer.json()["interrupts"]


@pytest.mark.parametrize("count", [1, 5])
def test_the_list_of_runs(
    client: Client, ada: Any, graph: Graph, thread: Thread, query_counts: Any, count: int
) -> None:
    for _ in range(count):
        start(thread, graph, ada)
    with query_counts("api: list of runs"):
        answer = client.get(f"/api/threads/{thread.public_id}/runs")

    assert len(answer.json()) == count


def test_a_run(client: Client, ada: Any, graph: Graph, thread: Thread, query_counts: Any) -> None:
    run = start(thread, graph, ada)
    with query_counts("api: run"):
        answer = client.get(f"/api/threads/{thread.public_id}/runs/{run.public_id}")

    assert answer.json()["run_id"] == str(run.public_id)
    assert answer.json()["assistant_id"] == str(graph.assistant_id)


@pytest.mark.parametrize("count", [1, 5])
def test_the_list_of_questions(
    client: Client, ada: Any, graph: Graph, thread: Thread, query_counts: Any, count: int
) -> None:
    for _ in range(count):
        ask(thread, start(thread, graph, ada))
    with query_counts("api: list of questions"):
        answer = client.get("/api/interrupts")

    assert len(answer.json()) == count

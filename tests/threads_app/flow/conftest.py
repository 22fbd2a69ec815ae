"""A thread with a graph, a run and its events, for the pages that follow runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import transaction

from services.flowing import page_of
from threadhub.kernel import clock
from threadhub.kernel.rbac import grants
from threadhub.kernel.streams import log
from threadhub.kernel.streams.log import Item
from threads_app.models import Graph, Interrupt, Run, Thread
from threads_app.services import assistants, runs, threads
from threads_app.services.runs import RunOrder

DESCRIPTION = {
    "nodes": [{"id": "__start__"}, {"id": "plan"}, {"id": "write"}, {"id": "__end__"}],
    "edges": [
        {"source": "__start__", "target": "plan"},
        {"source": "plan", "target": "write", "conditional": True},
        {"source": "write", "target": "__end__"},
    ],
    "xray": {
        "nodes": [{"id": "__start__"}, {"id": "plan"}, {"id": "write:inner"}, {"id": "__end__"}],
        "edges": [{"source": "__start__", "target": "plan"}],
    },
    "subgraphs": {"write": {}},
    "schemas": {"input": {"type": "object", "properties": {"topic": {"type": "string"}}}},
}


@pytest.fixture
def owner(db: None) -> Any:
    return get_user_model().objects.create_user("olga")


@pytest.fixture
def viewer(thread: Thread) -> Any:
    """Somebody who may see that the thread is there, and no more."""
    return get_user_model().objects.create_user("vera", is_staff=True)


@pytest.fixture
def reader(thread: Thread) -> Any:
    person = get_user_model().objects.create_user("rosa")
    grants.grant(role="viewer", to=person, on=thread, actor=thread.owner, now=clock.now())
    return person


@pytest.fixture
def stranger(db: None) -> Any:
    return get_user_model().objects.create_user("stefan")


@pytest.fixture
def graph(db: None) -> Graph:
    return Graph.objects.create(
        name="writer",
        project="tests",
        target="./writer.py:graph",
        status=Graph.Status.LOADED,
        description=DESCRIPTION,
        loaded_at=clock.now(),
    )


@pytest.fixture
def thread(owner: Any, graph: Graph) -> Thread:
    assistant = assistants.ensure_default(graph=graph, now=clock.now())
    return threads.create(actor=owner, now=clock.now(), assistant=assistant, title="Plan seven")


@pytest.fixture
def begin(thread: Thread) -> Callable[..., Run]:
    """Return a function that orders a run and says how it stands."""

    def order(status: str = "running", *, input: Any = (), **values: Any) -> Run:  # noqa: A002
        assert thread.graph is not None
        run = runs.start(
            thread=thread,
            assistant=assistants.ensure_default(graph=thread.graph, now=clock.now()),
            actor=thread.owner,
            order=RunOrder(),
            now=clock.now(),
        )
        now = clock.now()
        has_begun = status != "pending"
        given = {
            "status": status,
            "started_at": now - timedelta(seconds=2) if has_begun else None,
            "finished_at": now if status not in {"pending", "running"} else None,
            "fence": 1,
            "lease_until": now + timedelta(hours=1),
            "input": {"topic": "tides"} if input == () else input,
            **values,
        }
        for name, value in given.items():
            setattr(run, name, value)
        run.save(update_fields=list(given))
        return run

    return order


@pytest.fixture
def happen(thread: Thread) -> Callable[[Run, Iterable[tuple[str, Any]]], None]:
    """Return a function that writes events of a run into the thread's log."""

    def write(run: Run, events: Iterable[tuple[str, Any]]) -> None:
        items = [Item(kind, payload, run.public_id) for kind, payload in events]
        with transaction.atomic():
            log.append(stream_id=thread.stream_id, items=items)

    return write


@pytest.fixture
def ask(thread: Thread) -> Callable[[Run], Interrupt]:
    """Return a function that leaves a question of the node `write` open."""

    def leave(run: Run) -> Interrupt:
        thread.status = Thread.Status.INTERRUPTED
        thread.save(update_fields=["status"])
        return Interrupt.objects.create(
            thread=thread,
            run=run,
            interrupt_id="a" * 32,
            checkpoint_id="c1",
            task_id="t2",
            node="write",
            value={"question": "Send it?"},
            created_at=clock.now(),
        )

    return leave


@pytest.fixture
def open_page() -> Callable[..., str]:
    """Return a function that opens a tab of a thread as somebody and returns its text."""

    def fetch(person: Any, thread: Thread, tab: str, **query: Any) -> str:
        response = page_of(person, thread, tab, **query)
        assert response.status_code == 200, response
        return response.content.decode()

    return fetch

"""A project, a person and engines for tests that execute runs in this process."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connections

from checkpoints_app.saver import ThreadHubSaver
from threadhub.kernel import clock
from threads_app.models import Run, Thread
from threads_app.runtime.engine import Engine
from threads_app.selectors import assistants
from threads_app.services import graphs, runs, threads
from threads_app.services.runs import RunOrder

PROJECT = Path(__file__).resolve().parents[2] / "projects" / "engine" / "langgraph.json"


@pytest.fixture
def person(transactional_db: None) -> Any:
    """Return somebody who owns threads."""
    return get_user_model().objects.create_user("olga")


@pytest.fixture
def project(transactional_db: None, settings: Any) -> Any:
    """Load the engine's test project and return its module, with its gates."""
    settings.PROJECTS = [PROJECT]
    report = graphs.load(now=clock.now())
    assert not report.failed
    module = next(m for name, m in sys.modules.items() if name.endswith("engine_graphs"))
    yield module
    for gate in module.gates.values():
        gate.set()
    module.gates.clear()
    module.reached.clear()
    ThreadHubSaver().close()


@pytest.fixture
def make_engine(project: Any) -> Iterator[Callable[[], Engine]]:
    """Return a maker of engines, all stopped at the end."""
    made: list[Engine] = []

    def make() -> Engine:
        made.append(Engine())
        return made[-1]

    yield make
    for engine in made:
        engine.stop(seconds=5)
    connections.close_all()


@pytest.fixture
def engine(make_engine: Callable[[], Engine]) -> Engine:
    """Return an engine."""
    return make_engine()


@pytest.fixture
def make_thread(person: Any, project: Any) -> Callable[[str], Thread]:
    """Return a maker of threads of a graph."""

    def make(graph: str) -> Thread:
        assistant = assistants.resolve(graph, user=person)
        return threads.create(actor=person, now=clock.now(), assistant=assistant)

    return make


@pytest.fixture
def start(person: Any) -> Callable[..., Run]:
    """Return a function that starts a run without executing it."""

    def begin(thread: Thread, **order: Any) -> Run:
        thread.refresh_from_db()
        assert thread.graph is not None
        return runs.start(
            thread=thread,
            assistant=assistants.resolve(thread.graph.name, user=person),
            actor=person,
            order=RunOrder(**order),
            now=clock.now(),
        )

    return begin

"""A project of tasks, a person, and an engine that works off what a plan starts."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connections

from checkpoints_app.saver import ThreadHubSaver
from sessions_app.models import Plan, PlanNode, Session
from threadhub.coordination import creating, plans
from threadhub.coordination.blueprints import EdgeDraft, MemberDraft
from threadhub.kernel import clock
from threads_app.models import Run
from threads_app.runtime.engine import Engine
from threads_app.services import graphs

PROJECT = Path(__file__).resolve().parents[2] / "projects" / "sessions" / "langgraph.json"
Edge = tuple[str, str] | tuple[str, str, dict[str, str]]


@pytest.fixture
def person(transactional_db: None) -> Any:
    """Return somebody who owns sessions."""
    return get_user_model().objects.create_user("olga")


@pytest.fixture
def project(transactional_db: None, settings: Any) -> Iterator[Any]:
    """Load the project of tasks and return its module, which knows what was done."""
    settings.PROJECTS = [PROJECT]
    report = graphs.load(now=clock.now())
    assert not report.failed
    module = next(m for name, m in sys.modules.items() if name.endswith("session_graphs"))
    module.done.clear()
    module.seen.clear()
    yield module
    ThreadHubSaver().close()


@pytest.fixture
def make(person: Any, project: Any) -> Callable[..., Session]:
    """Return a maker of sessions of tasks: names with their inputs, and edges between them."""

    def build(
        tasks: dict[str, dict[str, Any]], edges: tuple[Edge, ...] = (), **values: Any
    ) -> Session:
        drafts = [
            MemberDraft(name=name, assistant_id="task", input=given)
            for name, given in tasks.items()
        ]
        session, _ = creating.create(
            actor=person,
            members=drafts,
            dependencies=[edge_draft(edge) for edge in edges],
            now=clock.now(),
            **values,
        )
        return session

    return build


def edge_draft(edge: Edge) -> EdgeDraft:
    """Return a sequential edge for a pair, a data flow where there is a mapping too."""
    upstream, downstream, *mapping = edge
    kind = "data_flow" if mapping else "sequential"  # even an empty one
    return EdgeDraft(
        upstream=upstream, downstream=downstream, kind=kind, mapping=mapping[0] if mapping else {}
    )


@pytest.fixture
def start(person: Any) -> Callable[..., Plan]:
    """Return a function that starts a session's plan."""
    return lambda session, **more: plans.start(
        session=session, actor=person, now=clock.now(), **more
    )


@pytest.fixture
def engine(project: Any) -> Iterator[Engine]:
    """Return an engine."""
    made = Engine()
    yield made
    made.stop(seconds=5)
    connections.close_all()


@pytest.fixture
def work(engine: Engine) -> Callable[[], int]:
    """Return a function that executes runs until none is left, and counts them."""

    def work_off() -> int:
        count = 0
        while (run := Run.objects.due().order_by("id").first()) is not None:
            assert engine.execute(run_id=run.pk)
            count += 1
        return count

    return work_off


@pytest.fixture
def nodes() -> Callable[[Plan], dict[str, PlanNode]]:
    """Return a function that returns a plan's nodes by name."""

    def of(plan: Plan) -> dict[str, PlanNode]:
        plan.refresh_from_db()
        rows = PlanNode.objects.filter(plan=plan).select_related("association__thread", "run")
        return {row.association.thread_name: row for row in rows}

    return of

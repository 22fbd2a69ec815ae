"""Reads of sessions whose number of queries does not grow with what they show."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from itertools import pairwise
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from sessions_app.models import Session
from threadhub.coordination import creating
from threadhub.coordination.blueprints import EdgeDraft, MemberDraft
from threadhub.kernel import clock
from threadhub.kernel.people import keys
from threads_app.models import Graph
from threads_app.services import assistants, runs

pytestmark = pytest.mark.django_db
Counts = Callable[[str], AbstractContextManager[None]]


@pytest.fixture
def ada() -> Any:
    return get_user_model().objects.create_user("ada")


@pytest.fixture
def client(ada: Any) -> Client:
    made = Client(headers={"X-Api-Key": keys.create(user=ada, name="", now=clock.now())})
    # The first use of a key is noted; later ones are not, for a while.
    made.get("/api/interrupts")
    return made


@pytest.fixture
def sessions(ada: Any, monkeypatch: pytest.MonkeyPatch) -> list[Session]:
    """Three sessions of nine threads in a row, each with a plan."""
    monkeypatch.setattr(runs, "check", lambda *_: None)
    graph = Graph.objects.create(name="echo", project="p", target="t", status="loaded")
    assistants.ensure_default(graph=graph, now=clock.now())
    names = [f"t{number}" for number in range(9)]
    edges = pairwise(names)
    dependencies = [EdgeDraft(upstream=first, downstream=second) for first, second in edges]
    drafts = [MemberDraft(name=name, assistant_id="echo") for name in names]
    return [
        creating.create(
            actor=ada, members=drafts, dependencies=dependencies, now=clock.now(), has_start=True
        )[0]
        for _ in range(3)
    ]


def test_list_of_sessions(client: Client, sessions: list[Session], query_counts: Counts) -> None:
    with query_counts("api: list of sessions"):
        answer = client.get("/api/sessions")

    assert [row["thread_count"] for row in answer.json()["items"]] == [9, 9, 9]


def test_session(client: Client, sessions: list[Session], query_counts: Counts) -> None:
    with query_counts("api: session"):
        answer = client.get(f"/api/sessions/{sessions[0].public_id}")

    assert (len(answer.json()["threads"]), len(answer.json()["dependencies"])) == (9, 8)


def test_plan(client: Client, sessions: list[Session], query_counts: Counts) -> None:
    plan = sessions[0].plans.get()

    with query_counts("api: plan"):
        answer = client.get(f"/api/sessions/{sessions[0].public_id}/plans/{plan.public_id}")

    assert len(answer.json()["nodes"]) == 9

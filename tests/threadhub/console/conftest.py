"""A small world to look at: one row of everything the console shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from threadhub.coordination import creating
from threadhub.coordination.blueprints import MemberDraft
from threadhub.kernel import clock, operations
from threadhub.kernel.people import accounts, keys
from threadhub.kernel.rbac import everywhere, grants
from threads_app.models import Graph, Thread
from threads_app.services import assistants, runs, threads
from threads_app.services.runs import RunOrder


@pytest.fixture
def superuser() -> Any:
    return accounts.ensure(username="root", is_staff=True, is_superuser=True)[0]


@pytest.fixture
def operator() -> Any:
    return accounts.ensure(username="operator")[0]


@pytest.fixture
def stranger() -> Any:
    return accounts.ensure(username="stranger")[0]


@pytest.fixture
def signed_in() -> Callable[[Any], Client]:
    def sign_in(user: Any) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return sign_in


@pytest.fixture
def world(superuser: Any, operator: Any, monkeypatch: pytest.MonkeyPatch) -> Thread:
    """A session of one thread with a run, an operation, a grant of each kind, a key, a group."""
    monkeypatch.setattr(runs, "check", lambda *_: None)
    graph = Graph.objects.create(name="echo", project="p", target="t", status="loaded")
    assistant = assistants.ensure_default(graph=graph, now=clock.now())
    creating.create(
        actor=operator,
        members=[MemberDraft(name="first", assistant_id="echo")],
        dependencies=[],
        now=clock.now(),
        has_start=True,
        title="A session",
        metadata={"ticket": "OPS-41"},
    )
    thread = threads.create(
        actor=operator, now=clock.now(), assistant=assistant, title="Of the operator"
    )
    order = RunOrder()
    runs.start(thread=thread, assistant=assistant, actor=operator, order=order, now=clock.now())
    people = Group.objects.create(name="night shift")
    grants.grant(role="viewer", to=people, on=thread, actor=superuser, now=clock.now())
    everywhere.grant_everywhere(role="auditor", to=people, actor=superuser, now=clock.now())
    keys.create(user=operator, name="for the robot", now=clock.now())
    ids = {"ids": [thread.public_id]}
    operations.ask(kind="threads.delete", asked_by=operator, wanted=ids, now=clock.now())
    return thread

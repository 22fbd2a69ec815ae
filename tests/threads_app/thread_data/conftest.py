"""A thread of a real graph, stopped at its question, and the people who look at it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connections
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from checkpoints_app.saver import ThreadHubSaver
from threadhub.kernel import clock
from threadhub.kernel.rbac import grants
from threads_app.models import Thread
from threads_app.runtime.engine import Engine
from threads_app.selectors import assistants
from threads_app.services import graphs, runs, threads
from threads_app.services.runs import RunOrder

PROJECT = Path(__file__).resolve().parents[2] / "projects" / "data" / "langgraph.json"
SECRET = "sk-live-canary0123456789"
INPUT = {
    "messages": [{"role": "user", "content": "Renew customer 3", "id": "m1"}],
    "notes": ["asked"],
    "api_key": SECRET,
}


@pytest.fixture
def owner(db: None) -> Any:
    """Somebody who owns threads."""
    return get_user_model().objects.create_user("olga", first_name="Olga", last_name="Berg")


@pytest.fixture
def stranger(db: None) -> Any:
    """Somebody who shares nothing with the owner."""
    return get_user_model().objects.create_user("sten")


@pytest.fixture
def project(transactional_db: None, settings: Any) -> Iterator[None]:
    """Load the project of these tests."""
    settings.PROJECTS = [PROJECT]
    assert not graphs.load(now=clock.now()).failed
    yield
    ThreadHubSaver().close()


@pytest.fixture
def engine(project: None) -> Iterator[Engine]:
    """An engine that executes runs in this process."""
    made = Engine()
    yield made
    made.stop(seconds=5)
    connections.close_all()


@pytest.fixture
def run(owner: Any, engine: Engine) -> Callable[..., None]:
    """Return a function that runs a thread to its end or its question."""

    def execute(thread: Thread, **order: Any) -> None:
        thread.refresh_from_db()
        assert thread.graph is not None
        begun = runs.start(
            thread=thread,
            assistant=assistants.resolve(thread.graph.name, user=owner),
            actor=owner,
            order=RunOrder(**order),
            now=clock.now(),
        )
        assert engine.execute(run_id=begun.pk)
        thread.refresh_from_db()

    return execute


@pytest.fixture
def make_thread(owner: Any, project: None) -> Callable[[str], Thread]:
    """Return a maker of threads of a graph."""

    def make(graph: str) -> Thread:
        assistant = assistants.resolve(graph, user=owner)
        return threads.create(actor=owner, now=clock.now(), assistant=assistant, title="Renewal")

    return make


@pytest.fixture
def thread(make_thread: Callable[[str], Thread], run: Callable[..., None]) -> Thread:
    """A thread that waits at its question: input, start, write, check."""
    made = make_thread("review")
    run(made, input=INPUT)
    return made


@pytest.fixture
def share(owner: Any, thread: Thread) -> Callable[[str, str], Any]:
    """Return a function that makes a person who holds a role on the thread."""

    def give(role: str, name: str) -> Any:
        person = get_user_model().objects.create_user(name)
        grants.grant(role=role, to=person, on=thread, actor=owner, now=clock.now())
        return person

    return give


def browser(user: Any) -> Client:
    """Return a browser in which the person has signed in."""
    client = Client()
    client.force_login(user)
    return client


class Pages:
    """The pages of one thread, as one person opens them."""

    def __init__(self, user: Any, thread: Thread) -> None:
        self._client, self._thread = browser(user), thread

    def address(self, page: str) -> str:
        """Return the address of a page of the thread."""
        return reverse(f"admin:threads_app_thread_{page}", args=[self._thread.pk])

    def get(self, page: str, /, **query: Any) -> HttpResponse:
        """Open a page."""
        return self._client.get(self.address(page), query)

    def text(self, page: str, /, **query: Any) -> str:
        """Open a page that must be there, and return its HTML."""
        response = self.get(page, **query)
        assert response.status_code == 200, response
        return response.content.decode()

    def post(self, page: str, /, **form: Any) -> HttpResponse:
        """Send a form."""
        return self._client.post(self.address(page), form)


@pytest.fixture
def pages(thread: Thread) -> Callable[[Any], Pages]:
    """Return a function that opens the thread's pages as somebody."""
    return lambda user: Pages(user, thread)

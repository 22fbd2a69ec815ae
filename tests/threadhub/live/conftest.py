"""Threads to watch, and people who watch them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from channels.db import database_sync_to_async
from django.test import Client

from services.live_client import ORIGIN, LiveClient
from threadhub.kernel import clock, transactions
from threadhub.kernel.people import accounts, keys
from threadhub.kernel.streams import log
from threadhub.kernel.streams.log import Item
from threads_app.models import Graph, Run, Thread
from threads_app.services import assistants, runs, threads
from threads_app.services.runs import RunOrder


@pytest.fixture
def ada() -> Any:
    """Return somebody with an account and nothing else."""
    user, _ = accounts.ensure(username="ada", is_staff=False, is_superuser=False)
    return user


@pytest.fixture
def owner() -> Any:
    """Return who owns the thread."""
    user, _ = accounts.ensure(username="owner", is_staff=False, is_superuser=False)
    return user


@pytest.fixture
def thread(owner: Any) -> Thread:
    """Return a thread with a run that waits for a worker; there is none."""
    graph = Graph.objects.create(name="echo", project="p", target="t", status="loaded")
    assistant = assistants.ensure_default(graph=graph, now=clock.now())
    made = threads.create(actor=owner, now=clock.now(), assistant=assistant, title="Audit")
    order = RunOrder()
    runs.start(thread=made, assistant=assistant, actor=owner, order=order, now=clock.now())
    return made


@pytest.fixture
def run(thread: Thread) -> Run:
    """Return the thread's run."""
    return Run.objects.select_related("thread").get(thread=thread)


@pytest.fixture
def topic(thread: Thread) -> str:
    """Return the thread's topic."""
    return f"thread:{thread.public_id}"


@pytest.fixture
def cookie() -> Callable[[Any], tuple[bytes, bytes]]:
    """Return a function that signs a person in and returns the header of the cookie."""

    def sign_in(user: Any) -> tuple[bytes, bytes]:
        browser = Client()
        browser.force_login(user)
        return b"cookie", f"sessionid={browser.cookies['sessionid'].value}".encode()

    return sign_in


@pytest.fixture
def signed_in(owner: Any, cookie: Callable[[Any], tuple[bytes, bytes]]) -> tuple[bytes, bytes]:
    """Return the header of the owner's cookie."""
    return cookie(owner)


@pytest.fixture
def viewer(signed_in: tuple[bytes, bytes]) -> LiveClient:
    """Return the socket of the owner's browser, not open yet."""
    return LiveClient(signed_in, ORIGIN)


@pytest.fixture
def program(owner: Any) -> LiveClient:
    """Return the socket of a program with a key of the owner's."""
    key = keys.create(user=owner, name="", now=clock.now())
    return LiveClient((b"authorization", f"Bearer {key}".encode()))


def append(thread: Thread, *items: Item | str) -> None:
    """Append events to the thread's stream, as another thread of the process does."""
    made = [Item(one, {}) if isinstance(one, str) else one for one in items]
    with transactions.atomic():
        log.append(stream_id=thread.stream_id, items=made)


@pytest.fixture
def happens(thread: Thread) -> Callable[..., Any]:
    """Return a coroutine function that appends events to the thread's stream."""

    async def happen(*items: Item | str) -> None:
        await database_sync_to_async(append, thread_sensitive=False)(thread, *items)

    return happen

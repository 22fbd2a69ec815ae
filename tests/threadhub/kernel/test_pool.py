"""Pooled connections outlive a restart of PostgreSQL."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import ConnectionHandler

from services import requirement
from services.waiting import wait_until
from threadhub.ops.rehearsal import postgres_server
from threadhub.ops.rehearsal.postgres_server import PostgresServer

IDLE = 6


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    if reason := postgres_server.why_unavailable():
        requirement.lacking(reason)
    made = PostgresServer()
    yield made
    made.stop()


@pytest.fixture
def connect(server: PostgresServer) -> Iterator[Callable[[], BaseDatabaseWrapper]]:
    """Return a maker of connections from one pool."""
    parts = urlsplit(server.url)
    default = {
        "ENGINE": "threadhub.kernel.postgres",
        "NAME": "postgres",
        "USER": parts.username,
        "HOST": dict(parse_qsl(parts.query))["host"],
        "OPTIONS": {"pool": {"min_size": 1, "max_size": IDLE, "timeout": 20}},
    }
    made: list[Any] = []

    def make() -> BaseDatabaseWrapper:
        made.append(ConnectionHandler({"default": default}).create_connection("default"))
        return made[-1]

    yield make
    for wrapper in made:
        wrapper.close()
    made[0].close_pool()


def answer(wrapper: BaseDatabaseWrapper) -> bool:
    with wrapper.cursor() as cursor:
        cursor.execute("SELECT 1")
        return bool(cursor.fetchone() == (1,))


@pytest.mark.django_db
def test_the_first_query_after_a_restart_waits_for_no_other_connection(
    server: PostgresServer, connect: Callable[[], BaseDatabaseWrapper]
) -> None:
    wrappers = [connect() for _ in range(IDLE)]
    assert all(answer(wrapper) for wrapper in wrappers)
    for wrapper in wrappers:
        wrapper.close()
    server.end("INT")
    server.resume()

    begun = time.monotonic()

    assert answer(wrappers[0])
    # Checked one after the other, they would cost 1, 2, 4 and 8 seconds.
    assert time.monotonic() - begun < 5
    wait_until(lambda: all(answer(wrapper) for wrapper in wrappers))

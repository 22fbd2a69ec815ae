"""Fixtures every test may use; the run itself is prepared in services/plugin.py."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import hypothesis
import pytest
from django.db import connection

from services import query_counts as counting
from services import requirement, waiting
from threadhub.ops.rehearsal import redis_server as redis_service

# No deadline: a slow machine is no failure. The printed blob repeats a failure.
hypothesis.settings.register_profile("threadhub", deadline=None, print_blob=True)
hypothesis.settings.load_profile("threadhub")


@pytest.fixture(scope="session")
def wait_until() -> Callable[..., object]:
    """Return the one function that waits; see services.waiting."""
    return waiting.wait_until


@pytest.fixture
def query_counts() -> Callable[[str], AbstractContextManager[None]]:
    """Compare numbers of queries with the committed ones: `with query_counts("name"):`."""
    return counting.counted


@pytest.fixture(scope="session")
def seed() -> int:
    """Return the run's seed; the header of the run names it."""
    return int(os.environ["THREADHUB_SEED"])


@pytest.fixture
def rng(seed: int, request: pytest.FixtureRequest) -> random.Random:
    """Return random numbers of this test's own, the same for the same seed in any order."""
    return random.Random(f"{seed} {request.node.nodeid}")


@pytest.fixture(scope="session")
def redis_server() -> Iterator[redis_service.RedisServer]:
    """Run a private Redis for the session; skip by name where Redis is missing."""
    reason = redis_service.why_unavailable()
    if reason:
        requirement.lacking(reason)
    server = redis_service.RedisServer()
    yield server
    server.stop()


@pytest.fixture
def child_environment(tmp_path: Path) -> dict[str, str]:
    """Return an environment for a ThreadHub process of the test's own, with its own var/."""
    ours = ("THREADHUB_", "DJANGO_", "PYTEST_", "COV_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**kept, "THREADHUB_VAR": str(tmp_path / "var")}


@pytest.fixture
def in_background() -> Iterator[Callable[[Callable[[], object]], threading.Thread]]:
    """Return a function that runs another in a thread with a database connection of its own."""
    begun: list[threading.Thread] = []

    def run(function: Callable[[], object]) -> threading.Thread:
        def body() -> None:
            try:
                function()
            finally:
                connection.close()

        begun.append(threading.Thread(target=body))
        begun[-1].start()
        return begun[-1]

    yield run
    for thread in begun:
        thread.join(20)
        assert not thread.is_alive()

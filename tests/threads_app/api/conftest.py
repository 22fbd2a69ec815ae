"""A real server with the project of tests/projects/api, and two people who use it."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
import psycopg
import pytest
from langgraph_sdk import get_sync_client
from langgraph_sdk.client import SyncLangGraphClient

from services.threadhub_process import ROOT, ThreadHubProcess

PROJECT = ROOT / "tests" / "projects" / "api" / "langgraph.json"
# Two of the people every installation starts with, neither of them a superuser.
PEOPLE = ("operator", "stranger")
LOG_SHOWN = 6000


@pytest.fixture(scope="session")
def server_settings() -> Iterator[dict[str, str]]:
    """Give the server a database of its own on the suite's PostgreSQL, if that is what runs."""
    if os.environ.get("THREADHUB_TEST_DATABASE") != "postgres":
        yield {}
        return
    url = os.environ["THREADHUB_DATABASE_URL"]
    name = f"server_{uuid.uuid4().hex}"
    parts = urlsplit(url)
    maintenance = urlunsplit(parts._replace(path="/postgres"))
    with psycopg.connect(maintenance, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    own = urlunsplit(parts._replace(path=f"/{name}"))
    yield {"TEST_DATABASE": "postgres", "DATABASE_URL": own}
    with psycopg.connect(maintenance, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def server(
    tmp_path_factory: pytest.TempPathFactory, server_settings: dict[str, str]
) -> Iterator[ThreadHubProcess]:
    """Run one server for all tests of the process; none of them may surprise it."""
    folder = tmp_path_factory.mktemp("server")
    settings = {"CONCURRENCY": "16", "STATELESS_SECONDS": "2", **server_settings}
    running = ThreadHubProcess(var=folder / "var", project=PROJECT, **settings)
    if server_settings:
        running.environment["DJANGO_SETTINGS_MODULE"] = "threadhub.settings.test"
    running.start()
    yield running
    running.kill()
    assert " ERROR " not in running.log.read_text()


@pytest.fixture(scope="session")
def keys(server: ThreadHubProcess) -> dict[str, str]:
    """Return an API key of each person."""
    with ThreadPoolExecutor() as pool:
        made = pool.map(lambda person: server.command("create_api_key", person), PEOPLE)
        return dict(zip(PEOPLE, made, strict=True))


@pytest.fixture(scope="session")
def address(server: ThreadHubProcess) -> str:
    """Return the root of the API."""
    return f"http://127.0.0.1:{server.port}/api"


@pytest.fixture(scope="session")
def operator(address: str, keys: dict[str, str]) -> Iterator[httpx.Client]:
    """Return an HTTP client of the operator's."""
    with _client(address, keys["operator"]) as client:
        yield client


@pytest.fixture(scope="session")
def stranger(address: str, keys: dict[str, str]) -> Iterator[httpx.Client]:
    """Return an HTTP client of somebody who shares nothing with the operator."""
    with _client(address, keys["stranger"]) as client:
        yield client


@pytest.fixture(scope="session")
def sdk(address: str, keys: dict[str, str]) -> Iterator[SyncLangGraphClient]:
    """Return the official client of LangGraph's servers, with the operator's key."""
    with get_sync_client(url=address, api_key=keys["operator"]) as client:
        yield client


def _client(address: str, key: str) -> httpx.Client:
    return httpx.Client(base_url=address, headers={"X-Api-Key": key}, timeout=30)


@pytest.fixture
def thread_id(operator: httpx.Client) -> str:
    """Return the id of a new thread of the operator's."""
    return operator.post("/threads", json={}).raise_for_status().json()["thread_id"]


class Gate:
    """What the waiting graphs wait for."""

    def __init__(self, path: Path) -> None:
        self.input = {"gate": str(path)}
        self._path = path

    def open(self) -> None:
        """Let the graphs go on."""
        self._path.touch()


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    """Return a closed gate; it is opened at the end, so that nothing waits for ever."""
    made = Gate(tmp_path / "gate")
    yield made
    made.open()


@pytest.fixture
def has_status(operator: httpx.Client, wait_until: Callable[..., Any]) -> Callable[..., None]:
    """Wait until a run of the operator's has a status."""

    def wait(run: dict[str, Any], status: str) -> None:
        url = f"/threads/{run['thread_id']}/runs/{run['run_id']}"
        wait_until(lambda: operator.get(url).json()["status"] == status, message=status)

    return wait


@pytest.fixture
def nobody() -> str:
    """Return an id nothing has."""
    return str(uuid.uuid4())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Show the end of the server's log beside a failure."""
    report: Any = yield
    running = getattr(item, "funcargs", {}).get("server")
    if report.failed and isinstance(running, ThreadHubProcess) and running.log.exists():
        report.sections.append(("server log", running.log.read_text()[-LOG_SHOWN:]))
    return report

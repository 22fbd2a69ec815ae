"""One cluster for every test of a module."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from services import requirement
from services.cluster import Cluster
from threadhub.ops.rehearsal import postgres_server, redis_server

PROJECT = Path(__file__).resolve().parents[1] / "projects" / "engine" / "two.json"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Return a running cluster of the engine's test project, with short leases."""
    if reason := postgres_server.why_unavailable() or redis_server.why_unavailable():
        requirement.lacking(reason)
    folder = tmp_path_factory.mktemp("cluster")
    made = Cluster(folder, project=PROJECT, LEASE_SECONDS="2")
    made.environment["ENGINE_STEP_SECONDS"] = "0.05"
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="module")
def key(cluster: Cluster) -> str:
    """Return the operator's API key."""
    return cluster.command("create_api_key", "operator")


@pytest.fixture
def api(cluster: Cluster, key: str) -> Iterator[httpx.Client]:
    """Return a client of the first web process."""
    with cluster.client(0, key=key) as client:
        yield client


@pytest.fixture
def other(cluster: Cluster, key: str) -> Iterator[httpx.Client]:
    """Return a client of the second web process."""
    with cluster.client(1, key=key) as client:
        yield client

"""Prepare a test run before the settings are read: environment, private database, seed.

Loaded by `-p` from pyproject.toml, since a conftest would come after pytest-django.
"""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from services import query_counts, requirement
from threadhub.ops.rehearsal import postgres_server

# Importing the product has named its default settings, which count more than pyproject.toml.
os.environ["DJANGO_SETTINGS_MODULE"] = "threadhub.settings.test"

DATABASE = "THREADHUB_TEST_DATABASE"
KEPT = {DATABASE, "THREADHUB_DATABASE_URL", "THREADHUB_SEED", query_counts.WRITE}
skip_all = pytest.StashKey[str]()
IS_WORKER = "PYTEST_XDIST_WORKER" in os.environ


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the seed that randomized tests print and take."""
    parser.addoption("--seed", type=int, help="Seed of randomized tests (or THREADHUB_SEED).")


# A wrapper runs before pytest-django reads the settings in its own, unwrapped hook.
@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    """Give the run its own folder and database; nothing of the developer's is touched."""
    for name in [name for name in os.environ if name.startswith("THREADHUB_")]:
        if name not in KEPT and not (IS_WORKER and name == "THREADHUB_VAR"):
            del os.environ[name]
    _own_folder(early_config)
    _own_seed(early_config)
    if os.environ.get(DATABASE) == "postgres" and not os.environ.get("THREADHUB_DATABASE_URL"):
        _own_database(early_config)
    return (yield)


def _own_folder(config: pytest.Config) -> None:
    if IS_WORKER:
        folder = Path(os.environ["THREADHUB_VAR"]) / os.environ["PYTEST_XDIST_WORKER"]
    else:
        folder = Path(tempfile.mkdtemp(prefix="threadhub-tests-"))
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    os.environ["THREADHUB_VAR"] = str(folder)


def _own_seed(config: pytest.Config) -> None:
    given = config.known_args_namespace.seed
    if given is None:
        given = os.environ.get("THREADHUB_SEED") or random.randrange(2**32)
    os.environ["THREADHUB_SEED"] = str(int(given))


def _own_database(config: pytest.Config) -> None:
    reason = postgres_server.why_unavailable()
    if reason and requirement.is_strict():
        raise pytest.UsageError(f"REQUIRE_ALL=1: {reason}")
    if reason:
        # The settings need a database they can read; its tests are skipped by name.
        config.stash[skip_all] = reason
        del os.environ[DATABASE]
        return
    server = postgres_server.PostgresServer()
    config.add_cleanup(server.stop)
    os.environ["THREADHUB_DATABASE_URL"] = server.url


def pytest_report_header() -> str:
    """Name the database and the seed, so that a failure can be repeated."""
    database = os.environ.get(DATABASE, "sqlite")
    seed = os.environ["THREADHUB_SEED"]
    return f"threadhub: database {database}, seed {seed} (repeat with --seed={seed})"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what counts queries; skip everything when the run's database is missing."""
    reason = config.stash.get(skip_all, "")
    for item in items:
        if "query_counts" in getattr(item, "fixturenames", ()):
            item.add_marker("query_counts")
        if reason:
            item.add_marker(pytest.mark.skip(reason=reason))


def pytest_sessionfinish(exitstatus: int) -> None:
    """Write the query counts of a complete, green run that was asked to."""
    if os.environ.get(query_counts.WRITE) and exitstatus == 0:
        query_counts.write()

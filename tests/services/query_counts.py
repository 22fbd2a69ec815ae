"""Committed numbers of queries: a read that grows a query fails until somebody says so."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

BASELINE = Path(__file__).resolve().parents[1] / "query_counts.json"
WRITE = "THREADHUB_WRITE_QUERY_COUNTS"
# Databases differ in how transactions are opened; reads and writes are what is compared.
TRANSACTION = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "SET ")
_counted: dict[str, int] = {}


@contextlib.contextmanager
def counted(name: str) -> Iterator[None]:
    """Compare the block's number of queries with the committed one, or note it for `write`."""
    with CaptureQueriesContext(connection) as captured:
        yield
    statements = [query["sql"] for query in captured.captured_queries]
    statements = [sql for sql in statements if not sql.startswith(TRANSACTION)]
    _counted[name] = len(statements)
    if not os.environ.get(WRITE):
        _compare(name, statements)


def committed() -> dict[str, int]:
    """Return the committed numbers by name."""
    return json.loads(BASELINE.read_text(encoding="utf-8")) if BASELINE.exists() else {}


def write() -> None:
    """Make what this process counted the baseline."""
    text = json.dumps(dict(sorted(_counted.items())), indent=2) + "\n"
    BASELINE.write_text(text, encoding="utf-8")


def _compare(name: str, statements: list[str]) -> None:
    expected = committed().get(name)
    if expected is None:
        pytest.fail(f"No query count {name!r} yet: run `make query-baseline`.", pytrace=False)
    if len(statements) != expected:
        pytest.fail(
            f"{name}: {len(statements)} queries, {expected} committed. If that is meant, run "
            "`make query-baseline`; a number that grows needs a line in CHANGELOG.md.\n"
            + "\n".join(sql[:300] for sql in statements),
            pytrace=False,
        )

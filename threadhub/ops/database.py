"""The database before the first query: is it there, is it prepared, who prepares it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import TYPE_CHECKING

from django.db import DEFAULT_DB_ALIAS, OperationalError, ProgrammingError, connection, connections
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import load_backend

from threadhub.kernel.errors import Invalid
from threadhub.ops import waiting

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

PREPARE_LOCK = 0x7468_7563
# What a server answers that is there but not ready; any other refusal needs a person.
_NOT_YET = re.compile("starting up|shutting down|recovery mode|too many|remaining connection slots")

Say = Callable[[str], None]


class Refused(Invalid):
    """The database answers, and does not let ThreadHub in; the message is its own."""

    code = "database_refused"


class NotPrepared(Invalid):
    """The database lacks tables or columns that this version needs."""

    code = "database_not_prepared"


@contextmanager
def direct() -> Iterator[BaseDatabaseWrapper]:
    """Open a connection beside the pool, which would hide why it has none; closed at the end."""
    settings = deepcopy(connections.settings[DEFAULT_DB_ALIAS])
    settings["OPTIONS"].pop("pool", None)
    wrapper = load_backend(settings["ENGINE"]).DatabaseWrapper(settings, DEFAULT_DB_ALIAS)
    try:
        wrapper.ensure_connection()
        yield wrapper
    finally:
        wrapper.close()


def wait(*, say: Say) -> None:
    """Return when the database answers. Raises Refused."""
    settings = connections.settings[DEFAULT_DB_ALIAS]
    port = f":{settings['PORT'] or 5432}"
    place = settings["HOST"] or "localhost"
    place = place if place.startswith("/") else place + port
    waiting.wait(waiting.Service("PostgreSQL", place, _ask), say=say)


def _ask() -> str:
    """Return why the database cannot be used yet, empty when it can. Raises Refused."""
    try:
        with direct():
            return ""
    except (OperationalError, ProgrammingError) as error:
        text = " ".join(str(error).split())
        is_refusal = "FATAL:" in text and not _NOT_YET.search(text)
        if is_refusal or isinstance(error, ProgrammingError):
            why = text.rpartition("FATAL: ")[2].strip().rstrip(".")
            raise Refused(
                f"The database refuses: {why}. Correct THREADHUB_DATABASE_URL or the server."
            ) from None
        return text.rpartition("failed: ")[2].split(" Is the server")[0]


def require_prepared() -> None:
    """Raise NotPrepared when `manage.py prepare` has work to do."""
    if has_pending_migrations():
        raise NotPrepared(
            "The database is not prepared for this version: run `manage.py prepare`, then start "
            "again."
        )


def has_pending_migrations() -> bool:
    """Say whether tables or columns are missing."""
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


@contextmanager
def prepared_alone(*, say: Say) -> Iterator[None]:
    """Prepare while no other process does; one that comes later waits for its turn."""
    with direct() as wrapper:
        if wrapper.vendor == "postgresql" and not _lock(wrapper, "pg_try_advisory_lock"):
            say("Another process prepares this database; waiting for it.")
            _lock(wrapper, "pg_advisory_lock")
        # The lock ends with the connection.
        yield


def _lock(wrapper: BaseDatabaseWrapper, function: str) -> bool:
    with wrapper.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s)", [PREPARE_LOCK])
        return bool(cursor.fetchone()[0])

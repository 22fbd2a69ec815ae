"""A database that is away is waited for; one that refuses is not."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from django.db import OperationalError, connection

from threadhub.ops import database, waiting
from threadhub.ops.waiting import Service

AWAY = (
    'connection failed: connection to server at "10.0.0.9", port 5432 failed: Connection refused\n'
    "\tIs the server running on that host and accepting TCP/IP connections?"
)


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Exception]]:
    """Return the errors that the next connections raise, one each."""
    errors: list[Exception] = []
    direct = database.direct

    def opened() -> object:
        if errors:
            raise errors.pop(0)
        return direct()

    monkeypatch.setattr(database, "direct", opened)
    monkeypatch.setattr(waiting, "PAUSE_SECONDS", 0)
    return iter([errors])


@pytest.mark.django_db
class TestWaiting:
    @pytest.mark.parametrize(
        "text", [AWAY, "failed: FATAL:  the database system is starting up", "failed: too many"]
    )
    def test_is_said_once_and_ends_when_it_answers(
        self, failing: Iterator[list[Exception]], text: str
    ) -> None:
        next(failing).extend([OperationalError(text)] * 3)
        said: list[str] = []

        database.wait(say=said.append)

        assert len(said) == 2
        assert said[0].startswith("Waiting for PostgreSQL at ") and said[0].endswith(".")
        assert said[1] == "PostgreSQL answers."

    def test_names_the_reason(self, failing: Iterator[list[Exception]]) -> None:
        next(failing).append(OperationalError(AWAY))
        said: list[str] = []

        database.wait(say=said.append)

        assert said[0].endswith(": Connection refused.")

    @pytest.mark.parametrize("text", ['FATAL:  database "hub" does not exist', "FATAL:  role"])
    def test_is_not_done_for_a_server_that_refuses(
        self, failing: Iterator[list[Exception]], text: str
    ) -> None:
        next(failing).append(OperationalError(f"connection failed: {text}"))

        with pytest.raises(database.Refused, match=r"refuses: (role|database)[^:]*\. Correct "):
            database.wait(say=pytest.fail)


def test_nothing_is_said_of_a_service_that_answers() -> None:
    waiting.wait(Service("Redis", "here", lambda: ""), say=pytest.fail)


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
class TestPreparing:
    def test_is_required_while_a_migration_is_missing(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        database.require_prepared()
        monkeypatch.setattr(database, "has_pending_migrations", lambda: True)

        with pytest.raises(database.NotPrepared, match=r"manage\.py prepare"):
            database.require_prepared()

    def test_is_done_by_one_at_a_time(self) -> None:
        said, order, is_first = [], [], threading.Event()

        def prepare(name: str) -> None:
            with database.prepared_alone(say=said.append):
                is_first.set()
                order.append(name)
                release.wait(0.2)
                order.append(name)
            connection.close()

        release = threading.Event()
        threads = [threading.Thread(target=prepare, args=(name,)) for name in ("a", "b")]
        for thread in threads:
            thread.start()
            is_first.wait(5)
        for thread in threads:
            thread.join()

        assert connection.vendor == "sqlite" or order == ["a", "a", "b", "b"]
        assert connection.vendor == "sqlite" or len(said) == 1

"""The store's own connections: few, constant in number, and replaced when lost."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, connections

from checkpoints_app.backends import backend_for
from checkpoints_app.saver import ThreadHubSaver
from checkpoints_app.services import heads
from checkpoints_app.storage import StoreUnavailable, store_for

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]


def server_connections() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid()"
        )
        return int(cursor.fetchone()[0])


def open_files() -> int:
    name = str(connection.settings_dict["NAME"])
    folder = f"/proc/{os.getpid()}/fd"
    targets = [os.path.realpath(f"{folder}/{number}") for number in os.listdir(folder)]
    own = connections["default"].connection is not None
    return targets.count(name) - own


@pytest.fixture
def count_connections() -> Callable[[], int]:
    """Count the store's connections: those beyond what the process had open without them."""
    count = {"postgresql": server_connections, "sqlite": open_files}[connection.vendor]
    store_for(connection.alias).close()
    gc.collect()
    before = count()
    return lambda: count() - before


def test_their_number_is_constant_in_invokes_and_threads(
    saver: ThreadHubSaver, chat: Any, say: Any, count_connections: Callable[[], int]
) -> None:
    graph = chat.compile(checkpointer=saver)
    most = backend_for(connection.vendor).connections
    errors: list[BaseException] = []

    def invoke(at: int) -> None:
        try:
            say(graph, {"configurable": {"thread_id": f"thread {at}"}}, 2)
        except BaseException as error:
            errors.append(error)

    def invoke_all() -> int:
        threads = [threading.Thread(target=invoke, args=(at,)) for at in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return count_connections()

    first, second = invoke_all(), invoke_all()

    assert errors == []
    assert first == second == most


def test_a_lost_connection_is_replaced(
    saver: ThreadHubSaver, chat: Any, say: Any, config: Any
) -> None:
    def hang_up() -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    graph = chat.compile(checkpointer=saver)
    say(graph, config, 1)
    {"postgresql": hang_up, "sqlite": lambda: None}[connection.vendor]()

    say(graph, config, 1)

    assert len(graph.get_state(config).values["messages"]) == 4


def test_an_unreachable_database_is_reported_as_such(
    saver: ThreadHubSaver, config: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = {**connection.settings_dict, "NAME": "/nowhere/at/all"}
    monkeypatch.setitem(connections.settings, "default", nowhere)

    with pytest.raises(StoreUnavailable):
        saver.get_tuple(config)


def test_copies_share_the_connections_of_the_process(saver: ThreadHubSaver) -> None:
    assert saver.bound(key="a", fence=1)._alias == saver.with_allowlist([("a", "B")])._alias
    assert store_for() is store_for()


def test_a_child_process_opens_its_own(
    saver: ThreadHubSaver, chat: Any, say: Any, config: Any
) -> None:
    graph = chat.compile(checkpointer=saver)
    say(graph, config, 1)

    child = os.fork()
    if child == 0:
        status = 1
        try:
            say(graph, config, 1)
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)

    assert status == 0
    say(graph, config, 1)
    assert len(graph.get_state(config).values["messages"]) == 6


async def test_sync_calls_work_under_an_event_loop(
    saver: ThreadHubSaver, config: Any, make_checkpoint: Any
) -> None:
    checkpoint, versions = make_checkpoint(a=1)

    saver.put(config, checkpoint, {"source": "loop"}, versions)

    assert saver.get_tuple(config) is not None
    saver.close()


def test_caches_do_not_outlive_a_deleted_and_remade_head(
    saver: ThreadHubSaver, chat: Any, say: Any, config: Any, key: str
) -> None:
    graph = chat.compile(checkpointer=saver)
    say(graph, config, 3)
    saver.delete_thread(key)
    heads.ensure(key=key)

    assert graph.get_state(config).values == {}
    say(graph, config, 2)
    assert len(graph.get_state(config).values["messages"]) == 4

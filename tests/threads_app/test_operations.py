"""Deleting many threads: those the person may delete, when asked and when performed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import Mock, call

import pytest
from django.contrib.auth import get_user_model

from checkpoints_app import storage
from checkpoints_app.saver import ThreadHubSaver
from checkpoints_app.storage import StoreUnavailable
from threadhub import tasks
from threadhub.kernel import clock, operations
from threadhub.kernel.audit.models import AuditEntry
from threadhub.kernel.errors import Invalid, NotVisible
from threadhub.kernel.operations.executor import Executor
from threadhub.kernel.operations.models import Operation
from threadhub.kernel.rbac import grants, roles
from threads_app.models import Thread
from threads_app.services import threads

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]

Ask = Callable[..., Operation]


@pytest.fixture
def ada(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Somebody with threads; hints go nowhere, since the tests execute themselves."""
    monkeypatch.setattr(tasks.execute_operation, "delay", lambda **_: None)
    yield get_user_model().objects.create_user("ada")
    # The store's own connections would keep the test database from being removed.
    storage.reset()


@pytest.fixture
def bob() -> Any:
    return get_user_model().objects.create_user("bob")


@pytest.fixture
def ask(ada: Any) -> Ask:
    """Return a function that asks to delete threads."""

    def asking(**wanted: Any) -> Operation:
        return operations.ask(kind="threads.delete", asked_by=ada, wanted=wanted, now=clock.now())

    return asking


def made(owner: Any, title: str = "", **metadata: Any) -> Thread:
    return threads.create(actor=owner, now=clock.now(), title=title, metadata=metadata)


def execute(operation: Operation) -> Operation:
    Executor().execute(operation_id=operation.pk)
    operation.refresh_from_db()
    return operation


def keys(operation: Operation) -> set[str]:
    return set(operation.items.values_list("key", flat=True))


def test_threads_are_selected_as_the_search_does_and_only_one_s_own(
    ask: Ask, ada: Any, bob: Any
) -> None:
    one, two = made(ada, "One", team="a"), made(ada, "Two", team="b")
    others = made(bob, "Three", team="a")
    operation = ask(metadata={"team": "a"}, status="idle")

    assert keys(operation) == {one.public_id}
    assert operation.items.get().label == "One"
    done = execute(operation)

    assert (done.state, done.done) == ("finished", 1)
    assert set(Thread.objects.all()) == {two, others}
    deleted = AuditEntry.objects.get(act="thread.delete")
    assert (deleted.actor_label, deleted.additional_data["thread_id"]) == ("ada", one.public_id)


def test_threads_are_named_by_their_ids(ask: Ask, ada: Any) -> None:
    one, two, three = made(ada), made(ada), made(ada)

    done = execute(ask(ids=[one.public_id, three.public_id, three.public_id]))

    assert (done.state, done.done) == ("finished", 2)
    assert list(Thread.objects.all()) == [two]


def test_a_thread_that_is_missing_or_somebody_else_s_is_refused_in_the_same_words(
    ask: Ask, ada: Any, bob: Any
) -> None:
    one, hidden = made(ada), made(bob)

    for key in (hidden.public_id, "nowhere"):
        with pytest.raises(NotVisible, match=f"There is no such thread: {key}"):
            ask(ids=[one.public_id, key])

    assert not Operation.objects.exists()


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ({}, "Say which threads"),
        ({"metadata": {}}, "Say which threads"),
        ({"ids": None}, "Say which threads"),
        ({"titles": ["x"]}, "Known: ids, status, metadata"),
        ({"ids": "x"}, "list of at most 1000"),
        ({"ids": ["x"] * 1001}, "list of at most 1000"),
        ({"ids": ["a\x00b"]}, "texts"),
        ({"ids": [7]}, "texts"),
        ({"status": "lost"}, "one of idle"),
        ({"status": ["idle"]}, "one of idle"),
        ({"metadata": ["x"]}, "JSON object"),
        ({"metadata": {"x": "y" * 3000}}, "too much"),
    ],
)
def test_a_filter_without_a_meaning_is_refused(ask: Ask, wanted: Any, told: str) -> None:
    with pytest.raises(Invalid, match=told):
        ask(**wanted)


def test_a_thread_that_was_given_away_since_is_left_alone(ask: Ask, ada: Any, bob: Any) -> None:
    _one, two = made(ada), made(ada)
    operation = ask(status="idle")
    two.owner = bob
    two.save(update_fields=["owner"])

    done = execute(operation)

    assert (done.state, done.done, done.failed) == ("finished", 1, 1)
    assert done.items.get(key=two.public_id).error == "There is no such thread."
    assert list(Thread.objects.all()) == [two]


def test_a_person_who_may_not_act_any_more_deletes_nothing(ask: Ask, ada: Any) -> None:
    one = made(ada)
    operation = ask(status="idle")
    ada.is_active = False
    ada.save(update_fields=["is_active"])

    assert execute(operation).state == "failed"
    assert list(Thread.objects.all()) == [one]


def test_a_person_deactivated_in_the_middle_deletes_no_more(
    ask: Ask, ada: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = made(ada), made(ada)
    operation = ask(status="idle")
    delete = threads.delete

    def delete_and_deactivate(**given: Any) -> None:
        delete(**given)
        get_user_model().objects.filter(pk=ada.pk).update(is_active=False)

    monkeypatch.setattr(threads, "delete", delete_and_deactivate)
    done = execute(operation)

    assert (done.done, done.failed) == (1, 1)
    assert done.items.get(key=first.public_id).state == "done"
    assert list(Thread.objects.all()) == [second]


@pytest.mark.parametrize(("role", "total"), [("cleaner", 0), ("owner", 1)])
def test_threads_are_selected_by_values_only_of_metadata_that_the_person_may_read(
    ask: Ask, ada: Any, bob: Any, role: str, total: int
) -> None:
    root = get_user_model().objects.create_superuser("root")
    roles.create(name="cleaner", permissions=["delete"], actor=root)
    thread = made(bob, patient="Ada L.")
    grants.grant(role=role, to=ada, on=thread, actor=root, now=clock.now())

    assert ask(metadata={"patient": "Ada L."}).total == total


def test_a_thread_that_is_gone_is_skipped(ask: Ask, ada: Any) -> None:
    one, _two = made(ada), made(ada)
    operation = ask(status="idle")
    threads.delete(thread=one, now=clock.now())

    done = execute(operation)

    assert (done.state, done.done, done.skipped) == ("finished", 1, 1)
    assert done.items.get(key=one.public_id).error == "It was deleted already."


def test_what_the_store_still_holds_after_a_crash_goes_with_the_next_attempt(
    ask: Ask, ada: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, emptied = made(ada), Mock(side_effect=StoreUnavailable("The store is away."))
    operation = ask(status="idle")
    with monkeypatch.context() as patch:
        patch.setattr(ThreadHubSaver, "delete_thread", emptied)
        assert execute(operation).state == "pending"
        emptied.side_effect = None

        assert execute(operation).state == "finished"

    assert emptied.call_args_list == [call(one.public_id)] * 2
    assert not Thread.objects.exists()

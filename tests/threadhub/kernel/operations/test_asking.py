"""Asking for an operation: what it is about is settled then, once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import IntegrityError

from threadhub.kernel import audit, clock, operations, transactions
from threadhub.kernel.audit.models import AuditEntry
from threadhub.kernel.errors import Invalid
from threadhub.kernel.events.models import OutboxEvent
from threadhub.kernel.operations import asking
from threadhub.kernel.operations.models import Operation, OperationItem
from threadhub.kernel.streams.models import Stream

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]

Ask = Callable[..., Operation]


def test_an_operation_is_about_what_was_there_when_it_was_asked_for(
    ask: Ask, work: Any, execute: Any, kinds: Any
) -> None:
    operation = ask(wanted={"from": "b"}, reason="tidy up")
    work.there.append("d")

    done = execute(operation)

    assert work.performed == ["b", "c"]
    assert (done.state, done.total, done.done) == ("finished", 2, 2)
    assert (done.filter, done.reason) == ({"from": "b"}, "tidy up")
    assert list(done.items.order_by("position").values_list("label", flat=True)) == ["B", "C"]
    assert kinds(done) == [
        "operation.created",
        "operation.running",
        "operation.item",
        "operation.item",
        "operation.finished",
    ]


def test_who_asked_and_what_became_of_it_are_in_the_audit(ask: Ask, execute: Any, ada: Any) -> None:
    with audit.acting_as(audit.Actor(ada.pk, "ada")):
        execute(ask(reason="tidy up"))

    asked, ended = AuditEntry.objects.filter(act__startswith="operation.").order_by("id")
    assert (asked.act, asked.actor_label, asked.reason) == ("operation.ask", "ada", "tidy up")
    assert (ended.act, ended.actor_label, ended.outcome) == ("operation.finish", "ada", "finished")
    assert ended.additional_data["done"] == 3


def test_an_operation_about_nothing_finishes(ask: Ask, execute: Any) -> None:
    operation = execute(ask(wanted={"from": "z"}))

    assert (operation.state, operation.total) == ("finished", 0)


def test_code_names_the_items_itself_with_a_target_for_the_reader(ask: Ask, execute: Any) -> None:
    target = {"key": "s1", "label": "A session"}
    operation = execute(ask(items=[("x", "X")], target=target, wanted=None))

    assert (operation.target, operation.filter, operation.done) == (target, None, 1)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"kind": "tests.nothing"}, "tests.note"),
        ({"wanted": {"until": "x"}}, "Known: from"),
        ({"arguments": {"quiet": True}}, "Known: loud"),
        ({"arguments": {"loud": {1, 2}}}, "JSON"),
        ({"reason": "x" * 501}, "longer than 500"),
    ],
)
def test_what_is_not_known_is_refused_naming_what_is(
    ask: Ask, given: dict[str, Any], told: str
) -> None:
    with pytest.raises(Invalid, match=told):
        ask(**given)

    assert not Operation.objects.exists() and not Stream.objects.exists()


def test_more_than_the_limit_is_refused(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "MAX_ITEMS", 2)

    with pytest.raises(Invalid, match="more than 2 objects"):
        ask()

    assert not OperationItem.objects.exists()


def test_items_are_inserted_in_batches_and_in_order(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "BATCH", 2)

    operation = ask()

    assert list(operation.items.order_by("position").values_list("position", "key")) == [
        (1, "a"),
        (2, "b"),
        (3, "c"),
    ]


class TestAnIdempotencyKey:
    def test_gives_the_operation_that_exists_without_looking_again(
        self, ask: Ask, work: Any
    ) -> None:
        first = ask(idempotency_key="k", reason="once")
        work.there.append("d")

        again = ask(idempotency_key="k", reason="once")

        assert again.pk == first.pk and again.total == 3
        assert work.selected == 1

    def test_of_another_request_is_refused(self, ask: Ask) -> None:
        ask(idempotency_key="k")

        with pytest.raises(operations.KeyReused, match="different request"):
            ask(idempotency_key="k", wanted={"from": "b"})

    def test_is_each_person_s_own(self, ask: Ask) -> None:
        bob = get_user_model().objects.create_user("bob")

        assert ask(idempotency_key="k").pk != ask(idempotency_key="k", asked_by=bob).pk

    def test_that_two_requests_bring_at_once_makes_one_operation(
        self, ask: Ask, in_background: Any
    ) -> None:
        barrier = threading.Barrier(3)
        made: list[int] = []

        def asking_at_once() -> None:
            barrier.wait(10)
            made.append(ask(idempotency_key="k").pk)

        for thread in [in_background(asking_at_once) for _ in range(3)]:
            thread.join(20)

        assert len(made) == 3 and len(set(made)) == 1
        assert Stream.objects.count() == 1


def test_what_is_rolled_back_leaves_nothing(ask: Ask) -> None:
    def ask_and_fail() -> None:
        with transactions.atomic():
            ask()
            raise LookupError

    with pytest.raises(LookupError):
        ask_and_fail()

    assert not Operation.objects.exists() and not OutboxEvent.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"state": "lost"},
        {"state": "running"},
        {"done": 4},
        {"failed": -1},
    ],
)
def test_the_database_refuses_rows_that_cannot_be(ask: Ask, wrong: dict[str, Any]) -> None:
    operation = ask()

    with pytest.raises(IntegrityError), transactions.atomic(), audit.recording("test.break"):
        Operation.objects.filter(pk=operation.pk).update(**wrong, updated_at=clock.now())

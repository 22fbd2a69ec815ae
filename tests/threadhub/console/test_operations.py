"""The page of an operation: its items page by page, stopping it and taking it up again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from threadhub.kernel import clock
from threadhub.kernel.operations.models import Operation, OperationItem
from threadhub.kernel.rbac import everywhere
from threads_app.models import Thread

pytestmark = pytest.mark.django_db

SignIn = Callable[[Any], Client]


@pytest.fixture
def operation(operator: Any, world: Thread) -> Operation:
    return Operation.objects.visible_to(operator).get()


@pytest.fixture
def address(operation: Operation) -> str:
    return reverse("admin:threadhub_operation_change", args=[operation.pk])


def end(operation: Operation, state: str, **counts: int) -> None:
    operation.state = state
    for name, count in counts.items():
        setattr(operation, name, count)
    operation.save()


def test_its_owner_cancels_it(
    operator: Any, signed_in: SignIn, operation: Operation, address: str
) -> None:
    client = signed_in(operator)

    answered = client.post(address, {"cancel": ""})

    assert answered.headers["Location"] == address
    operation.refresh_from_db()
    assert operation.state == "cancelled"
    again = client.post(address, {"cancel": ""}, follow=True).content.decode()
    assert 'role="alert"' in again


def test_what_failed_is_taken_up_again(
    operator: Any, signed_in: SignIn, operation: Operation, address: str
) -> None:
    end(operation, "failed", failed=operation.total)
    client = signed_in(operator)

    assert '<button class="btn btn--sm" name="resume">' in client.get(address).content.decode()
    client.post(address, {"resume": ""})

    operation.refresh_from_db()
    assert operation.state == "pending"


def test_a_button_that_cannot_work_says_why(
    operator: Any, signed_in: SignIn, operation: Operation, address: str
) -> None:
    end(operation, "finished", done=operation.total)

    page = signed_in(operator).get(address).content.decode()

    assert 'name="resume" disabled aria-describedby="why-resume"' in page
    assert "so there is nothing to resume" in page


def test_whoever_may_only_view_it_changes_nothing(
    superuser: Any, stranger: Any, signed_in: SignIn, operation: Operation, address: str
) -> None:
    everywhere.grant_everywhere(role="auditor", to=stranger, actor=superuser, now=clock.now())
    client = signed_in(stranger)

    assert "needs the permission to execute" in client.get(address).content.decode()
    assert client.post(address, {"cancel": ""}).status_code == 403
    operation.refresh_from_db()
    assert operation.state == "pending"


def test_many_items_are_paged(
    operator: Any, signed_in: SignIn, operation: Operation, address: str
) -> None:
    for number in range(2, 106):
        OperationItem(operation=operation, position=number, key=f"key-{number}").save()
    end(operation, "pending", total=105)
    client = signed_in(operator)

    first, second = (client.get(f"{address}?page={page}").content.decode() for page in (1, 2))

    assert "1 to 100 of 105" in first
    assert "key-100<" in first
    assert "101 to 105 of 105" in second
    assert "key-105<" in second

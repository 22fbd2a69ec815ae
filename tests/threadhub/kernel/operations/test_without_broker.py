"""Operations that nobody was told of are claimed from the database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models import F

from services.waiting import wait_until
from threadhub.kernel import audit
from threadhub.kernel.operations import executor as executors
from threadhub.kernel.operations import leases
from threadhub.kernel.operations.executor import Executor
from threadhub.kernel.operations.models import Operation
from threadhub.ops.watchdog import Watchdog

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]

Ask = Callable[..., Operation]


def waits_for_a_minute(operation: Operation) -> None:
    with audit.machinery("lease"):
        rows = Operation.objects.filter(pk=operation.pk)
        rows.update(updated_at=F("updated_at") - timedelta(minutes=1))


def test_an_operation_is_performed_when_no_message_came(
    ask: Ask, make_executor: Callable[[], Executor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executors, "_executor", make_executor())
    operation = ask()
    assert leases.unheeded() is None
    waits_for_a_minute(operation)

    Watchdog(queued=lambda: 0).look(heard=0, now=1000)

    def is_finished() -> bool:
        operation.refresh_from_db()
        return operation.state == "finished"

    wait_until(is_finished, message="the operation is done")


def test_a_stopped_executor_takes_none(make_executor: Callable[[], Executor]) -> None:
    executor = make_executor()
    assert executor.has_place

    executor.stop(seconds=1)

    assert not executor.has_place

"""Celery tasks of the kernel: hints, safe to run twice."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from threadhub.kernel import events, hinting
from threadhub.kernel.operations import executor
from threadhub.kernel.operations.events import OperationRequested


@shared_task(name="operations.execute")
def execute_operation(*, operation_id: int, **_: Any) -> None:
    """Perform the hinted operation, and what waits behind it."""
    executor.current().execute(operation_id=operation_id)


@events.subscribe(OperationRequested)
def hint_worker(event: OperationRequested) -> None:
    """Tell a worker that an operation waits."""
    key = event.operation_id
    hinting.tell(lambda: execute_operation.delay(operation_id=key), about="an operation")

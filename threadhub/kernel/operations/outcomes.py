"""What became of an item, and of the whole operation; each is one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import F
from django.db.models.functions import Now

from threadhub.kernel import acts
from threadhub.kernel.models import clean_text

from . import telling
from .models import Operation, OperationItem

if TYPE_CHECKING:
    from .leases import Lease


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the performance of an item ended."""

    state: str
    error: str = ""
    result: Any = None


def write(lease: Lease, item: OperationItem, outcome: Outcome) -> bool:
    """Write an item's outcome unless the operation is not ours any more; say whether it was."""
    item.state, item.error = outcome.state, clean_text(outcome.error)[:500]
    item.result = outcome.result
    item.attempts += 1
    with acts.act("operation.item") as act:
        if not lease.held().update(**{outcome.state: F(outcome.state) + 1}, updated_at=Now()):
            return False
        item.save(update_fields=["state", "error", "result", "attempts"])
        operation = Operation.objects.filter(pk=lease.operation_id)[0]
        act.append(operation.stream_id, telling.event(operation, "item", item=item.shown()))
    return True


def conclude(lease: Lease, *, error: str = "") -> bool:
    """End the operation unless it is not ours any more; say whether it was.

    `error` says why it cannot be performed at all.
    """
    with acts.act("operation.finish") as act:
        operation = lease.held().select_for_update(no_key=True).first()
        if operation is None:
            return False
        operation.state, operation.error = _end(operation, error)
        Operation.objects.filter(pk=operation.pk).update(
            state=operation.state,
            error=operation.error[:500],
            worker="",
            lease_until=None,
            finished_at=Now(),
            updated_at=Now(),
        )
        telling.tell(act, operation)
    return True


def _end(operation: Operation, error: str) -> tuple[str, str]:
    """Return state and error by the precedence that Operation describes."""
    if error:
        return Operation.State.FAILED, error
    if operation.total and operation.failed == operation.total:
        return Operation.State.FAILED, "Every item failed; each says why."
    if operation.dealt < operation.total:
        return Operation.State.CANCELLED, ""
    return Operation.State.FINISHED, ""

"""Cancel an operation, or take it up again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models.functions import Now

from threadhub.kernel import acts
from threadhub.kernel.errors import Conflict, NotVisible

from . import telling
from .events import OperationRequested
from .models import ENDED, Operation, OperationItem


class HasEnded(Conflict):
    """The operation has come to its end; there is nothing to cancel."""

    code = "operation_ended"


class NothingLeft(Conflict):
    """The operation has not ended, or all its items succeeded: there is nothing to resume."""

    code = "nothing_to_resume"


def cancel(*, operation: Operation, actor: Any, now: datetime) -> Operation:
    """Stop an operation: a pending one at once, a running one after the item in progress.

    Raises HasEnded; asking twice changes nothing.
    """
    with acts.act("operation.cancel") as act:
        locked = _locked(operation)
        if locked.state in ENDED:
            raise HasEnded(f"This operation has ended already: {locked.state}.")
        if locked.cancel_requested_at is not None:
            return locked
        locked.cancel_requested_at = now
        locked.updated_at = now
        if locked.state == Operation.State.PENDING:
            locked.state = Operation.State.CANCELLED
            locked.finished_at = now
        locked.save(update_fields=["state", "cancel_requested_at", "finished_at", "updated_at"])
        is_ended = locked.state in ENDED
        telling.tell(act, locked, "" if is_ended else "cancel_requested", by=actor.get_username())
    return locked


def resume(*, operation: Operation, actor: Any, now: datetime) -> Operation:
    """Take up an operation that ended with items failed or left; they are pending again.

    Raises NothingLeft.
    """
    with acts.act("operation.resume") as act:
        locked = _locked(operation)
        if locked.state not in ENDED:
            raise NothingLeft(f"This operation is {locked.state}: it needs no resuming.")
        if locked.total == locked.done + locked.skipped:
            raise NothingLeft("Nothing of this operation failed or was left.")
        failed = OperationItem.objects.filter(operation=locked, state="failed")
        failed.update(state=OperationItem.State.PENDING, error="", result=None)
        Operation.objects.filter(pk=locked.pk).update(
            state=Operation.State.PENDING,
            failed=0,
            crashes=0,
            error="",
            cancel_requested_at=None,
            finished_at=None,
            dispatched_at=Now(),
            dispatch_count=0,
            updated_at=now,
        )
        locked.refresh_from_db()
        telling.tell(act, locked, by=actor.get_username())
        act.publish(OperationRequested(locked.pk))
    return locked


def _locked(operation: Operation) -> Operation:
    """Return the row as it is now, locked for the open act."""
    found = Operation.objects.select_for_update(no_key=True).filter(pk=operation.pk).first()
    if found is None:
        raise NotVisible("There is no such operation.")
    return found

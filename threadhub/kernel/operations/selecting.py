"""Questions about operations, for those who came through the door."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Case, When

from .models import ENDED, Operation, OperationItem

if TYPE_CHECKING:
    from django.db.models import QuerySet


def items(operation: Operation, *, state: str | None = None) -> QuerySet[OperationItem]:
    """Return the operation's items in order, all of them or those in one state."""
    found = OperationItem.objects.filter(operation=operation).order_by("position")
    return found.filter(state=state) if state else found


def failed_first(operation: Operation) -> QuerySet[OperationItem]:
    """Return the operation's items, those that failed before the others."""
    rank = Case(When(state="failed", then=0), default=1)
    return OperationItem.objects.filter(operation=operation).order_by(rank, "position")


def is_over(*, operation_id: int) -> bool:
    """Say whether the operation has ended, until somebody resumes it."""
    found = Operation.objects.filter(pk=operation_id).values_list("state", flat=True).first()
    return found is None or found in ENDED

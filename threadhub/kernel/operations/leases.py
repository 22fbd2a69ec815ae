"""Who may perform an operation: claimed, renewed and given up by compare-and-set.

Every claim raises the operation's fence, and every outcome names it, so that a worker which
lost its lease, frozen or not, writes nothing more. Times are the database's.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from django.conf import settings
from django.db import close_old_connections, connection
from django.db.models import F
from django.db.models.functions import Coalesce, Now

from threadhub.kernel import acts, audit, transactions

from . import telling
from .events import OperationRequested
from .models import Operation, OperationItem

if TYPE_CHECKING:
    from .querysets import OperationQuerySet

REAP_BATCH = 100
# What a worker is to do next: the next item, stop for good, or nothing any more.
Pulse = Literal["go", "cancel", "lost"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to perform one operation, as long as `fence` is the operation's."""

    operation_id: int
    fence: int

    def held(self) -> OperationQuerySet:
        """Return the operation while the lease holds, and nothing afterwards."""
        running = Operation.objects.filter(state=Operation.State.RUNNING)
        return running.filter(pk=self.operation_id, fence=self.fence)


def _ttl() -> timedelta:
    return timedelta(seconds=settings.LEASE_SECONDS)


def claim(*, operation_id: int, worker: str) -> Lease | None:
    """Claim a pending operation; None when it is not to be had."""
    with acts.act("operation.claim") as act:
        pending = Operation.objects.filter(pk=operation_id, state=Operation.State.PENDING)
        is_ours = pending.update(
            state=Operation.State.RUNNING,
            fence=F("fence") + 1,
            worker=worker,
            lease_until=Now() + _ttl(),
            claimed_dealt=F("done") + F("failed") + F("skipped"),
            started_at=Coalesce(F("started_at"), Now()),
            updated_at=Now(),
        )
        if not is_ours:
            return None
        operation = Operation.objects.filter(pk=operation_id)[0]
        act.append(operation.stream_id, telling.event(operation, "running"))
    return Lease(operation_id=operation.pk, fence=operation.fence)


def next_due() -> int | None:
    """Return the key of the operation that has waited longest."""
    pending = Operation.objects.filter(state=Operation.State.PENDING).order_by("id")
    return pending.values_list("id", flat=True).first()


def unheeded() -> int | None:
    """Return the key of the operation that has waited longest, if for longer than a lease lives."""
    waiting = Operation.objects.unheeded(after=_ttl()).order_by("id")
    return waiting.values_list("id", flat=True).first()


def renew(lease: Lease) -> bool:
    """Extend the lease and say whether it still held."""
    with transactions.atomic(), audit.machinery("lease"):
        return bool(lease.held().update(lease_until=Now() + _ttl()))


@contextmanager
def renewing(lease: Lease) -> Iterator[None]:
    """Renew the lease three times in its life while the block runs, however long an item takes.

    What ends the lease nevertheless is noticed before the next item, and by every outcome.
    """
    over = threading.Event()
    keeper = threading.Thread(
        target=_renew_until, args=(lease, over), name="operation-lease", daemon=True
    )
    keeper.start()
    try:
        yield
    finally:
        over.set()
        keeper.join()


def _renew_until(lease: Lease, over: threading.Event) -> None:
    is_held = True
    while is_held and not over.wait(settings.LEASE_SECONDS / 3):
        try:
            close_old_connections()
            is_held = renew(lease)
        except Exception:
            logger.exception("A lease could not be renewed; the next turn tries again.")
    connection.close()


def pulse(lease: Lease) -> Pulse:
    """Say whether the operation is still ours and wanted; 1 query."""
    found = lease.held().values_list("cancel_requested_at", flat=True)[:1]
    for cancel_requested_at in found:
        return "go" if cancel_requested_at is None else "cancel"
    return "lost"


def hand_back(lease: Lease, *, reason: str, is_hinted: bool) -> bool:
    """Make the operation pending again for whoever comes next; False when it is not ours.

    Without a hint it rests until the tick repeats one, so that what failed may recover.
    """
    return _release(lease.held(), reason=reason, is_crash=False, is_hinted=is_hinted)


def take_over(*, reason: str) -> int:
    """Release every running operation at once; for the only process of an installation.

    Pending ones lose their mark of a hint, since the hints were the old process's.
    """
    with transactions.atomic(), audit.machinery("lease"):
        pending = Operation.objects.filter(state=Operation.State.PENDING)
        pending.update(dispatched_at=None, dispatch_count=0)
    return _release_all(Operation.objects.filter(state=Operation.State.RUNNING), reason=reason)


def reap() -> int:
    """Release up to 100 operations whose lease has ended; 1 query when there are none."""
    return _release_all(Operation.objects.abandoned(), reason="lease ended")


def _release_all(held: OperationQuerySet, *, reason: str) -> int:
    keys = list(held.order_by("id").values_list("id", flat=True)[:REAP_BATCH])
    return sum(_release(held.filter(pk=key), reason=reason, is_crash=True) for key in keys)


def _release(
    held: OperationQuerySet, *, reason: str, is_crash: bool, is_hinted: bool = True
) -> bool:
    """Take a running operation from its worker and put it where it belongs next."""
    with acts.act("operation.release", reason=reason) as act:
        operation = held.select_for_update(no_key=True).first()
        if operation is None:
            return False
        values: dict[str, Any] = {"worker": "", "lease_until": None, "updated_at": Now()}
        if operation.cancel_requested_at is not None:
            values |= {"state": Operation.State.CANCELLED, "finished_at": Now()}
        else:
            values |= {"state": Operation.State.PENDING, "dispatched_at": Now()}
        if is_crash:
            values |= _after_crash(operation)
        Operation.objects.filter(pk=operation.pk).update(**values)
        operation.refresh_from_db()
        telling.tell(act, operation, why=reason)
        if is_hinted and operation.state == Operation.State.PENDING:
            act.publish(OperationRequested(operation.pk))
    return True


def _after_crash(operation: Operation) -> dict[str, Any]:
    """Count a death of the worker; an item that kills it every time is given up."""
    crashes = 1 if operation.dealt > operation.claimed_dealt else operation.crashes + 1
    pending = OperationItem.objects.filter(operation=operation, state="pending")
    culprit = pending.order_by("position").first()
    if crashes < settings.RUN_MAX_CRASHES or culprit is None:
        return {"crashes": crashes}
    OperationItem.objects.filter(pk=culprit.pk).update(
        state=OperationItem.State.FAILED,
        error=f"The process died {crashes} times at this item; given up.",
        attempts=F("attempts") + 1,
    )
    return {"crashes": 0, "failed": F("failed") + 1}

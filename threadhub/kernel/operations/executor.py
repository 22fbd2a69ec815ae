"""Performs operations in this process, item by item, until it is stopped."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import InterfaceError, OperationalError

from threadhub.kernel import audit
from threadhub.kernel.errors import ThreadHubError, Unavailable
from threadhub.kernel.observability import correlation

from . import kinds, leases, outcomes
from .kinds import Kind, Skipped
from .models import Operation, OperationItem
from .outcomes import Outcome

if TYPE_CHECKING:
    from .leases import Lease

BATCH = 100
UNKNOWN = "Something went wrong inside ThreadHub; its log says what."

logger = logging.getLogger(__name__)


class Away(Exception):
    """Something the item needs is away; the item is tried again later."""


class Executor:
    """Performs operations; any number of threads may call `execute`."""

    def __init__(self) -> None:
        self.worker = f"{socket.gethostname()[:60]}:{os.getpid()}:{secrets.token_hex(4)}"
        # Jobs may take hours: half of the process is kept for runs.
        self._places = max(1, settings.CONCURRENCY // 2)
        self._active = 0
        self._changed = threading.Condition()
        self._stopping = threading.Event()

    @property
    def has_place(self) -> bool:
        """Say whether another operation would be taken now."""
        return self._active < self._places and not self._stopping.is_set()

    def execute(self, *, operation_id: int) -> bool:
        """Perform the hinted operation and then what waits; say whether there was something."""
        with self._place() as is_free:
            if not is_free:
                # Whoever leaves a place looks for what waits.
                return False
            wanted: int | None = operation_id
            has_worked = False
            while wanted is not None and not self._stopping.is_set():
                lease = leases.claim(operation_id=wanted, worker=self.worker)
                if lease is not None:
                    has_worked = True
                    if not self._perform(lease):
                        break
                wanted = leases.next_due() if has_worked else None
            return has_worked

    def stop(self, *, seconds: float) -> bool:
        """Take no more items and hand operations back; say whether all were in time."""
        self._stopping.set()
        with self._changed:
            return self._changed.wait_for(lambda: self._active == 0, timeout=seconds)

    @contextmanager
    def _place(self) -> Iterator[bool]:
        with self._changed:
            is_free = self.has_place
            self._active += is_free
        try:
            yield is_free
        finally:
            with self._changed:
                self._active -= is_free
                self._changed.notify_all()

    def _perform(self, lease: Lease) -> bool:
        """Perform what is left of an operation; False when it should not be taken up at once."""
        operation = Operation.objects.select_related("asked_by").filter(pk=lease.operation_id)[0]
        actor = audit.Actor(
            operation.asked_by_id, operation.asked_by.get_username(), None, "operation"
        )
        with (
            correlation.correlated(operation.correlation_id),
            audit.acting_as(actor),
            leases.renewing(lease),
        ):
            if not kinds.is_known(operation.kind):
                return outcomes.conclude(lease, error=_unknown(operation.kind))
            try:
                return self._perform_items(lease, operation, kinds.named(operation.kind))
            except Away as away:
                leases.hand_back(lease, reason=str(away), is_hinted=False)
                return False

    def _perform_items(self, lease: Lease, operation: Operation, kind: Kind) -> bool:
        for item in _pending(operation):
            if self._stopping.is_set():
                leases.hand_back(lease, reason="stop", is_hinted=True)
                return False
            wanted = leases.pulse(lease)
            if wanted == "cancel":
                break
            outcome = None if wanted == "lost" else _outcome(kind, operation, item)
            if outcome is None or not outcomes.write(lease, item, outcome):
                logger.warning(
                    "An operation had been taken over.", extra={"operation": str(operation)}
                )
                return True
        return outcomes.conclude(lease)


def _pending(operation: Operation) -> Iterator[OperationItem]:
    """Yield the items that have no outcome, in order."""
    items = OperationItem.objects.filter(operation=operation, state="pending").order_by("position")
    last = 0
    while batch := list(items.filter(position__gt=last)[:BATCH]):
        last = batch[-1].position
        yield from batch


def _outcome(kind: Kind, operation: Operation, item: OperationItem) -> Outcome:
    """Perform one item. Raises Away; everything else that goes wrong is its outcome."""
    try:
        # Whoever asked may have been deactivated while earlier items were performed.
        operation.asked_by.refresh_from_db()
        result = kind.perform(operation=operation, item=item)
    except Skipped as skipped:
        return Outcome("skipped", error=str(skipped))
    except (Unavailable, OperationalError, InterfaceError) as error:
        raise Away(getattr(error, "message", "The database is away.")) from error
    except ThreadHubError as error:
        return Outcome("failed", error=error.message)
    except Exception:
        logger.exception("An item of an operation failed.", extra={"operation": str(operation)})
        return Outcome("failed", error=UNKNOWN)
    return Outcome("done", result=result)


def _unknown(kind: str) -> str:
    return f"This installation does not know operations of the kind {kind} any more."


_executor: Executor | None = None
_guard = threading.Lock()


def current() -> Executor:
    """Return the executor of this process, made on first use."""
    global _executor  # noqa: PLW0603  # one executor a process
    with _guard:
        if _executor is None:
            _executor = Executor()
        return _executor


def stop(*, seconds: float) -> bool:
    """Stop performing operations in this process for good; say whether all were in time."""
    return current().stop(seconds=seconds)

"""Who may execute a run: claimed, renewed and given up by compare-and-set in the database.

Every change of hands raises the thread's fence in the same transaction, so that a worker
which lost its lease, frozen or not, can no longer write a checkpoint or an event. Times are
the database's, since the clocks of workers differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import BooleanField, ExpressionWrapper, F, Q
from django.db.models.functions import Coalesce, Now

from checkpoints_app.services import heads
from threadhub.kernel import acts, audit, transactions
from threadhub.kernel.streams.log import Item
from threads_app.events import RunFinished, RunRequested
from threads_app.models import Run, Thread
from threads_app.services import interrupts
from threads_app.services.threads import resting_status

REAP_BATCH = 100


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to execute one run, as long as `fence` is the thread's."""

    run_id: int
    public_id: UUID
    thread_id: int
    head_id: int
    stream_id: int
    key: str
    fence: int
    attempt: int


def ttl() -> timedelta:
    """Return how long a lease lasts without being renewed."""
    return timedelta(seconds=settings.LEASE_SECONDS)


def claim(*, run_id: int, worker: str) -> Lease | None:
    """Claim the oldest due run of the hinted run's thread; None when there is none to have."""
    thread_id = Run.objects.filter(pk=run_id).values_list("thread_id", flat=True).first()
    if thread_id is None:
        return None
    with acts.act("run.claim") as act:
        thread = Thread.objects.select_for_update(no_key=True).filter(pk=thread_id).first()
        run = _oldest_due(thread_id)
        if thread is None or run is None:
            return None
        fence = heads.raise_fence(head_id=thread.head_id, held=True)
        _take(run, worker=worker, fence=fence, seq=heads.count_puts(head_id=thread.head_id))
        Thread.objects.filter(pk=thread.pk).update(status=Thread.Status.BUSY, updated_at=Now())
        shown = {"run_id": str(run.public_id), "status": "running", "attempt": run.attempt + 1}
        act.append(thread.stream_id, Item("run.running", shown, run.public_id))
    return Lease(
        run_id=run.pk,
        public_id=run.public_id,
        thread_id=thread.pk,
        head_id=thread.head_id,
        stream_id=thread.stream_id,
        key=thread.public_id,
        fence=fence,
        attempt=run.attempt + 1,
    )


def _oldest_due(thread_id: int) -> Run | None:
    due = Run.objects.claimable().filter(thread_id=thread_id)
    return due.select_for_update(no_key=True, of=("self",)).order_by("id").first()


def _take(run: Run, *, worker: str, fence: int, seq: int) -> None:
    deadline = Now() + timedelta(seconds=settings.RUN_DEADLINE_SECONDS)
    Run.objects.filter(pk=run.pk, status=Run.Status.PENDING).update(
        status=Run.Status.RUNNING,
        fence=fence,
        owner=worker,
        attempt=F("attempt") + 1,
        claimed_seq=seq,
        lease_until=Now() + ttl(),
        started_at=Coalesce(F("started_at"), Now()),
        deadline_at=Coalesce(F("deadline_at"), deadline),
        updated_at=Now(),
    )


@dataclass(frozen=True, slots=True)
class Pulse:
    """What a renewal learned about a run that is still ours."""

    cancel_requested: bool
    is_overdue: bool


def renew(*, worker: str, run_ids: Sequence[int]) -> None:
    """Extend the leases of these runs where they are still the worker's."""
    with transactions.atomic(), audit.machinery("lease"):
        mine = Run.objects.filter(pk__in=run_ids, owner=worker, status=Run.Status.RUNNING)
        mine.update(lease_until=Now() + ttl())


def pulses(*, worker: str, run_ids: Iterable[int]) -> dict[tuple[int, int], Pulse]:
    """Return what is known of the runs still ours, by (run, fence); 1 query."""
    mine = Run.objects.filter(pk__in=run_ids, owner=worker, status=Run.Status.RUNNING)
    overdue = ExpressionWrapper(Q(deadline_at__lt=Now()), output_field=BooleanField())
    rows = mine.values_list("pk", "fence", "cancel_requested_at", overdue)
    return {
        (run_id, fence): Pulse(requested_at is not None, bool(is_overdue))
        for run_id, fence, requested_at, is_overdue in rows
    }


def hand_back(lease: Lease, *, reason: str, is_hinted: bool = True) -> bool:
    """Make the run pending again for whoever comes next; False when it is not ours any more.

    Without a hint it rests until the tick repeats one, so that what failed may recover.
    """
    return _release(
        lease.run_id, reason=reason, is_crash=False, fence=lease.fence, is_hinted=is_hinted
    )


def take_over(*, reason: str) -> int:
    """Release every running run at once; for the only process of an installation.

    Pending runs lose their mark of a hint, since the hints were the old process's.
    """
    with transactions.atomic(), audit.machinery("lease"):
        Run.objects.filter(status=Run.Status.PENDING).update(dispatched_at=None, dispatch_count=0)
    running = Run.objects.filter(status=Run.Status.RUNNING).order_by("id")
    return sum(
        _release(run_id, reason=reason, is_crash=True)
        for run_id in list(running.values_list("id", flat=True))
    )


def reap() -> int:
    """Release up to 100 runs whose lease has ended; 1 query when there are none."""
    abandoned = Run.objects.abandoned().order_by("id").values_list("id", flat=True)[:REAP_BATCH]
    return sum(
        _release(run_id, reason="lease ended", is_crash=True, only_abandoned=True)
        for run_id in list(abandoned)
    )


def _release(
    run_id: int,
    *,
    reason: str,
    is_crash: bool,
    fence: int | None = None,
    only_abandoned: bool = False,
    is_hinted: bool = True,
) -> bool:
    """Take a running run from its worker and put it where it belongs next."""
    thread_id = Run.objects.filter(pk=run_id).values_list("thread_id", flat=True).first()
    if thread_id is None:
        return False
    with acts.act("run.release", reason=reason) as act:
        thread = Thread.objects.select_for_update(no_key=True).filter(pk=thread_id).first()
        held = Run.objects.abandoned() if only_abandoned else Run.objects.filter(status="running")
        held = held.filter(pk=run_id)
        if fence is not None:
            held = held.filter(fence=fence)
        run = held.select_for_update(no_key=True).first()
        if thread is None or run is None:
            return False
        heads.raise_fence(head_id=thread.head_id, held=False)
        crashes = _crashes(run, thread) if is_crash else run.crashes
        status = _next_status(run, crashes=crashes)
        _leave(run, status=status, crashes=crashes)
        run.refresh_from_db()
        _tell(act, thread, run, reason=reason, is_hinted=is_hinted)
    return True


def _crashes(run: Run, thread: Thread) -> int:
    """Return how often the run's worker has now died at the same step."""
    has_advanced = heads.count_puts(head_id=thread.head_id) > run.claimed_seq
    return 1 if has_advanced else run.crashes + 1


def _next_status(run: Run, *, crashes: int) -> str:
    if run.cancel_requested_at is not None:
        return Run.Status.CANCELLED
    if crashes >= settings.RUN_MAX_CRASHES:
        return Run.Status.ERROR
    return Run.Status.PENDING


def _leave(run: Run, *, status: str, crashes: int) -> None:
    values: dict[str, Any] = {
        "status": status,
        "owner": "",
        "lease_until": None,
        "crashes": crashes,
        "updated_at": Now(),
        "dispatched_at": Now(),
    }
    if status != Run.Status.PENDING:
        values["finished_at"] = Now()
    if status == Run.Status.ERROR:
        values |= {
            "error_kind": Run.ErrorKind.POISON,
            "error_class": "PoisonRun",
            "error_message": f"The process died {crashes} times at the same step; given up.",
        }
    Run.objects.filter(pk=run.pk).update(**values)


def _tell(act: acts.Act, thread: Thread, run: Run, *, reason: str, is_hinted: bool) -> None:
    status = run.status
    shown: dict[str, Any] = {"run_id": str(run.public_id), "status": status, "reason": reason}
    if run.error_class:
        shown["error"] = {"error": run.error_class, "message": run.error_message}
    act.append(thread.stream_id, Item(f"run.{status}", shown, run.public_id))
    act.record(run, outcome=status, data={"reason": reason})
    if status == Run.Status.PENDING:
        Thread.objects.filter(pk=thread.pk).update(status=Thread.Status.IDLE, updated_at=Now())
        if is_hinted:
            act.publish(RunRequested(run.pk))
        return
    interrupts.reopen(run=run, act=act, stream_id=thread.stream_id)
    resting = resting_status(thread, status)
    Thread.objects.filter(pk=thread.pk).update(status=resting, updated_at=Now())
    act.publish(RunFinished(run.pk, thread.pk, status))

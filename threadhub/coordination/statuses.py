"""A session's status: what follows from its active threads and its last plan."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Exists, OuterRef

from sessions_app.models import Plan, Session
from sessions_app.services import sessions
from threadhub.kernel import acts, clock
from threadhub.kernel.streams.log import Item
from threads_app.models import Run, Thread

Status = Session.Status


def derived(*, is_archived: bool, is_working: bool, threads: Collection[str], plan: str) -> Status:
    """Return the status by its precedence, first match wins.

    `threads` are the statuses of the active threads, `plan` is that of the last plan.
    """
    if is_archived:
        return Status.ARCHIVED
    if is_working:
        return Status.RUNNING
    if Thread.Status.INTERRUPTED in threads:
        return Status.WAITING
    if Thread.Status.ERROR in threads or plan == Plan.Status.FAILED:
        return Status.FAILED
    if plan == Plan.Status.FINISHED:
        return Status.FINISHED
    return Status.IDLE


def status_of(session: Session) -> Status:
    """Return what the session's status should be now; 2 queries."""
    active = Run.objects.active().filter(thread=OuterRef("pk"))
    members = Thread.objects.filter(
        associations__session=session, associations__is_active=True
    ).annotate(is_working=Exists(active))
    found = set(members.values_list("status", "is_working"))
    plans = Plan.objects.filter(session=session).order_by("-id").values_list("status", flat=True)
    return derived(
        is_archived=session.archived_at is not None,
        is_working=any(is_working for _, is_working in found),
        threads={status for status, _ in found},
        plan=plans.first() or "",
    )


def write(act: acts.Act, session: Session) -> None:
    """Bring the status of a session up to date that the open act has locked."""
    status = status_of(session)
    if status == session.status:
        return
    session.status = status
    session.updated_at = clock.now()
    session.save(update_fields=["status", "updated_at"])
    shown = {"session_id": str(session.public_id), "status": str(status)}
    act.append(session.stream_id, Item("session.status", shown))
    act.record(session, act="session.status", data={"status": str(status)})


def refresh(*, session_id: int) -> None:
    """Bring a session's status up to date; nothing is written when it is.

    The lock makes the last of several refreshes see what all of them were called for.
    """
    with acts.act("session.status") as act:
        write(act, sessions.locked(session_id))

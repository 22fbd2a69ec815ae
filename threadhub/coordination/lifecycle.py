"""Put sessions away, take them out again, delete them."""

from __future__ import annotations

from datetime import datetime

from sessions_app.models import Session, SessionThreadAssociation
from sessions_app.services import sessions
from threadhub.coordination import plans, statuses
from threadhub.kernel import acts
from threadhub.kernel.rbac import derive


def archive(*, session: Session, now: datetime) -> Session:
    """Put a session away: it stays readable, and nothing is started in it. Raises PlanRuns."""
    with acts.act("session.archive") as act:
        session = sessions.locked(session.pk)
        plans.demand_no_plan(session)
        if session.archived_at is None:
            session.archived_at = now
            session.save(update_fields=["archived_at"])
            statuses.write(act, session)
            act.record(session)
    return session


def unarchive(*, session: Session) -> Session:
    """Take a session out again."""
    with acts.act("session.unarchive") as act:
        session = sessions.locked(session.pk)
        if session.archived_at is not None:
            session.archived_at = None
            session.save(update_fields=["archived_at"])
            statuses.write(act, session)
            act.record(session)
    return session


def delete(*, session: Session) -> None:
    """Delete a session with its plans and events; its threads stay. Raises PlanRuns."""
    with acts.act("session.delete") as act:
        session = sessions.locked(session.pk)
        plans.demand_no_plan(session)
        members = SessionThreadAssociation.objects.filter(session=session)
        threads = list(members.values_list("thread_id", flat=True))
        act.record(session, data={"session_id": str(session.public_id), "threads": len(threads)})
        stream = session.stream
        session.delete()
        stream.delete()
        derive.refresh_objects(thread_ids=threads)

"""The threads of a session that exists: join, leave."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db.models import Q

from sessions_app.models import Dependency, PlanNode, Session, SessionThreadAssociation
from sessions_app.services import sessions
from threadhub.coordination import blueprints, creating, statuses
from threadhub.kernel import acts
from threadhub.kernel.errors import Conflict
from threadhub.kernel.rbac import derive
from threadhub.kernel.streams.log import Item

if TYPE_CHECKING:
    from threadhub.coordination.blueprints import Member, MemberDraft


class NameTaken(Conflict):
    """Another thread of the session has this name."""

    code = "name_taken"


class MemberAlready(Conflict):
    """The thread is in the session already; the message says under which name."""

    code = "member_already"


class MemberNeeded(Conflict):
    """A plan that runs needs the thread."""

    code = "member_needed"


def add(
    *, session: Session, draft: MemberDraft, actor: Any, now: datetime
) -> SessionThreadAssociation:
    """Add a new thread, or one of the actor's, to a session; a plan that runs goes on without.

    Raises Invalid, NameTaken, MemberAlready, SessionArchived, BeyondOwnRights.
    """
    (member,) = blueprints.checked([draft], [], actor=actor)
    with acts.act("member.add") as act:
        session = sessions.locked(session.pk)
        sessions.demand_open(session)
        _demand_room(session, member)
        added = creating.add_all(act, session=session, members=[member], actor=actor, now=now)
        row = added[draft.name]
        _tell(act, session, row, "member.added", now)
        statuses.write(act, session)
    return row


def _demand_room(session: Session, member: Member) -> None:
    """Raise what keeps the thread out."""
    active = SessionThreadAssociation.objects.active().filter(session=session)
    if active.count() >= blueprints.THREADS_MOST:
        raise Conflict(f"A session has at most {blueprints.THREADS_MOST} threads.")
    if active.filter(thread_name=member.draft.name).exists():
        raise NameTaken(f"Another thread of this session is called {member.draft.name}.")
    if member.thread is None:
        return
    known = SessionThreadAssociation.objects.filter(session=session, thread=member.thread).first()
    if known is not None and known.is_active:
        raise MemberAlready(f"This thread is in the session already, as {known.thread_name}.")


def remove(*, member: SessionThreadAssociation, now: datetime) -> None:
    """Take a thread and its dependencies out of a session; the thread stays, and its plans.

    Raises MemberNeeded while a plan runs it.
    """
    with acts.act("member.remove") as act:
        session = sessions.locked(member.session_id)
        nodes = PlanNode.objects.filter(association=member, plan__status="running")
        if nodes.exists():
            raise MemberNeeded(
                f"The plan that is running needs {member.thread_name}. "
                "Wait for its end, or cancel it."
            )
        mine = SessionThreadAssociation.objects.active().filter(pk=member.pk)
        if not mine.update(is_active=False, version=member.version + 1, updated_at=now):
            return
        edges = Dependency.objects.filter(session=session)
        edges.filter(Q(upstream=member) | Q(downstream=member)).delete()
        derive.refresh_objects(thread_ids=[member.thread_id])
        _tell(act, session, member, "member.removed", now)
        statuses.write(act, session)


def _tell(
    act: acts.Act, session: Session, member: SessionThreadAssociation, kind: str, now: datetime
) -> None:
    session.version += 1
    session.updated_at = now
    session.save(update_fields=["version", "updated_at"])
    shown = {"name": member.thread_name, "thread_id": member.thread.public_id}
    act.append(session.stream_id, Item(kind, shown))
    act.record(session, data=shown)

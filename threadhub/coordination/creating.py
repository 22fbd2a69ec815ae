"""Make a session with its threads, dependencies and policy: all of it, or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sessions_app.models import Dependency, Plan, Session, SessionThreadAssociation
from sessions_app.services import sessions
from threadhub.coordination import blueprints, plans, statuses
from threadhub.kernel import acts
from threadhub.kernel.errors import Invalid
from threadhub.kernel.models import clean_metadata
from threadhub.kernel.rbac import derive, explaining
from threadhub.kernel.rbac.grants import BeyondOwnRights
from threadhub.kernel.streams.log import Item
from threads_app.models import Thread
from threads_app.services import threads

if TYPE_CHECKING:
    from threadhub.coordination.blueprints import EdgeDraft, Member, MemberDraft


def create(
    *,
    actor: Any,
    members: Sequence[MemberDraft],
    dependencies: Sequence[EdgeDraft],
    now: datetime,
    has_start: bool = False,
    **values: Any,
) -> tuple[Session, Plan | None]:
    """Create a session of the actor's, and start its plan if asked to, in one act.

    `values` are those of `sessions.insert`. Raises Invalid with `fields` naming the places,
    BeyondOwnRights for a thread on which the actor does not hold everything.
    """
    checked = blueprints.checked(members, dependencies, actor=actor)
    with acts.act("session.create") as act:
        session = sessions.insert(actor=actor, now=now, **values)
        made = add_all(act, session=session, members=checked, actor=actor, now=now)
        _connect(session, made, dependencies)
        shown = {**sessions.shown(session), "threads": list(made)}
        act.append(session.stream_id, Item("session.created", shown))
        act.record(session, data={"threads": len(made), "dependencies": len(dependencies)})
        plan = None
        if has_start:
            plan = plans.begin(act, session=session, actor=actor, now=now)
        statuses.write(act, session)
    return session, plan


def add_all(
    act: acts.Act, *, session: Session, members: Sequence[Member], actor: Any, now: datetime
) -> dict[str, SessionThreadAssociation]:
    """Add checked members to the session the open act has locked; new threads are made.

    A thread that was in the session before comes back as a new member.
    """
    held = _held([member.thread.pk for member in members if member.thread], actor)
    left = SessionThreadAssociation.objects.filter(
        session=session, thread__in=held, is_active=False
    )
    before = {row.thread_id: row for row in left}
    new = [member for member in members if member.thread is None]
    wanted = [(member.assistant, member.draft.title or member.draft.name) for member in new]
    made = threads.create_all(act, actor=actor, now=now, wanted=wanted)
    its = {member.draft.name: thread for member, thread in zip(new, made, strict=True)}
    its |= {member.draft.name: held[member.thread.pk] for member in members if member.thread}
    rows = [_row(session, member, its[member.draft.name], now) for member in members]
    for row in rows:
        if row.thread_id in before:
            _return(row, before[row.thread_id])
    SessionThreadAssociation.objects.bulk_create(row for row in rows if row.pk is None)
    derive.refresh_objects(thread_ids=[row.thread_id for row in rows])
    return {row.thread_name: row for row in rows}


def _return(row: SessionThreadAssociation, before: SessionThreadAssociation) -> None:
    row.pk, row.created_at, row.version = before.pk, before.created_at, before.version + 1
    row.save(force_update=True)


def _held(keys: Sequence[int], actor: Any) -> dict[int, Thread]:
    """Return the existing threads, locked. Raises Invalid, BeyondOwnRights.

    A session gives its owner everything on its threads, for as long as they are in it.
    """
    mine = Thread.objects.visible_to(actor, "manage").filter(pk__in=keys).order_by("pk")
    found = {thread.pk: thread for thread in mine.select_for_update(no_key=True, of=("self",))}
    if len(found) < len(keys):
        raise Invalid(blueprints.NOT_YOURS)
    for thread in found.values():
        if thread.owner_id != actor.pk and not explaining.holds_all(user=actor, on=thread):
            raise BeyondOwnRights(
                f"You cannot add the thread {thread.public_id}: a session gives all rights on its "
                "threads, and you do not hold all of them yourself without an end."
            )
        threads.keep(thread=thread)
    return found


def _row(
    session: Session, member: Member, thread: Thread, now: datetime
) -> SessionThreadAssociation:
    draft = member.draft
    return SessionThreadAssociation(
        session=session,
        thread=thread,
        thread_name=draft.name,
        type=draft.type,
        assistant_id=member.assistant.public_id if member.assistant else None,
        input=draft.input,
        config=dict(draft.config),
        context=None if draft.context is None else dict(draft.context),
        metadata=clean_metadata(dict(draft.metadata)),
        created_at=now,
        updated_at=now,
    )


def _connect(
    session: Session,
    members: Mapping[str, SessionThreadAssociation],
    dependencies: Sequence[EdgeDraft],
) -> None:
    Dependency.objects.bulk_create(
        Dependency(
            session=session,
            upstream=members[edge.upstream],
            downstream=members[edge.downstream],
            kind=edge.kind,
            mapping=dict(edge.mapping),
        )
        for edge in dependencies
    )

"""Create and change sessions, as far as that needs no thread."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sessions_app.models import Session
from sessions_app.models.session import PARALLEL_LIMIT_MOST
from threadhub.kernel import acts
from threadhub.kernel.errors import Conflict, Invalid, NotVisible
from threadhub.kernel.ids import new_id
from threadhub.kernel.models import clean_metadata, clean_text
from threadhub.kernel.streams import log
from threadhub.kernel.streams.log import Item


class SessionArchived(Conflict):
    """The session is put away; nothing is started or added in it."""

    code = "session_archived"


def insert(
    *,
    actor: Any,
    now: datetime,
    title: str = "",
    metadata: dict[str, Any] | None = None,
    policy: str = Session.Policy.BEST_EFFORT,
    parallel_limit: int = 4,
) -> Session:
    """Insert an idle session without threads, owned by the actor, in the open act."""
    public_id = new_id()
    return Session.objects.create(
        public_id=public_id,
        owner=actor,
        stream=log.open_stream(key=f"session:{public_id}"),
        title=_title(title),
        metadata=clean_metadata(metadata or {}),
        policy=_policy(policy),
        parallel_limit=_limit(parallel_limit),
        created_at=now,
        updated_at=now,
    )


def locked(session_id: int) -> Session:
    """Return the session, locked for the open act. Raises NotVisible when it is gone."""
    found = Session.objects.select_for_update(no_key=True).filter(pk=session_id).first()
    if found is None:
        raise NotVisible("There is no such session.")
    return found


def demand_open(session: Session) -> None:
    """Raise SessionArchived for a session that is put away."""
    if session.archived_at is not None:
        raise SessionArchived("This session is archived. Unarchive it first.")


def change(
    *,
    session: Session,
    now: datetime,
    title: str | None = None,
    metadata: dict[str, Any] | None = None,
    policy: str | None = None,
    parallel_limit: int | None = None,
) -> Session:
    """Set what is given; metadata is merged by key. A plan that runs keeps its policy.

    Raises Invalid.
    """
    given = {
        "title": title,
        "metadata": metadata,
        "policy": policy,
        "parallel_limit": parallel_limit,
    }
    with acts.act("session.change") as act:
        session = locked(session.pk)
        if title is not None:
            session.title = _title(title)
        if metadata is not None:
            session.metadata = clean_metadata({**session.metadata, **metadata})
        if policy is not None:
            session.policy = _policy(policy)
        if parallel_limit is not None:
            session.parallel_limit = _limit(parallel_limit)
        if policy is not None or parallel_limit is not None:
            session.version += 1
        session.updated_at = now
        session.save(update_fields=[*given, "version", "updated_at"])
        act.append(session.stream_id, Item("session.changed", shown(session)))
        act.record(session, data={name: new for name, new in given.items() if new is not None})
    return session


def shown(session: Session) -> dict[str, Any]:
    """Return what events tell of a session."""
    return {
        "session_id": str(session.public_id),
        "title": session.title,
        "policy": session.policy,
        "parallel_limit": session.parallel_limit,
    }


def _title(title: str) -> str:
    title = clean_text(title).strip()
    if len(title) > 255:
        raise Invalid("The title is longer than 255 characters.", fields={"title": ["Too long."]})
    return title


def _policy(policy: str) -> str:
    if policy not in Session.Policy.values:
        known = " or ".join(Session.Policy.values)
        raise Invalid(f"{policy!r} is no policy: use {known}.", fields={"policy": ["Unknown."]})
    return policy


def _limit(limit: int) -> int:
    if not 1 <= limit <= PARALLEL_LIMIT_MOST:
        raise Invalid(
            f"parallel_limit is a number from 1 to {PARALLEL_LIMIT_MOST}.",
            fields={"parallel_limit": ["Out of range."]},
        )
    return limit

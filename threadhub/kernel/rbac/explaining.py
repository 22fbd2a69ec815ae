"""Why somebody may do something: read from the grants, not from what follows from them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from . import inheritance
from .actions import ACTIONS, Action
from .derive import latest, model_of
from .models import GlobalGrant, RoleGrant


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One reason why a person holds permissions on an object."""

    # superuser, staff, everywhere, owner, grant; the last two also by way of a session.
    kind: str
    permissions: Collection[str]
    role: str = ""
    group: str = ""
    # The session by way of which it holds on a thread.
    session_id: str = ""
    grant_id: int | None = None
    grantor: str = ""
    since: datetime | None = None
    until: datetime | None = None
    reason: str = ""


def explain(*, user: Any, on: Any, action: Action | None = None) -> list[Reason]:
    """Return why the person holds what on the object; nothing gives it when that is empty.

    With `action`, only the reasons that give this permission.
    """
    if not (user.is_authenticated and user.is_active):
        return []
    found = [*_by_account(user), *_everywhere(user), *_directly(user, on), *_by_session(user, on)]
    return [reason for reason in found if action is None or action in reason.permissions]


def ends(*, user: Any, on: Any) -> dict[str, datetime | None]:
    """Return what the person holds on the object, each until when (None: no end)."""
    held: dict[str, datetime | None] = {}
    for reason in explain(user=user, on=on):
        for action in reason.permissions:
            end = reason.until
            held[action] = latest(held[action], end) if action in held else end
    return held


def holds_all(*, user: Any, on: Any) -> bool:
    """Say whether the person holds everything on the object, without an end."""
    held = ends(user=user, on=on)
    return all(action in held and held[action] is None for action in ACTIONS)


def _by_account(user: Any) -> Iterator[Reason]:
    if user.is_superuser:
        yield Reason(kind="superuser", permissions=ACTIONS)
    if user.is_staff:
        yield Reason(kind="staff", permissions=("view",))


def _everywhere(user: Any) -> Iterator[Reason]:
    held = GlobalGrant.objects.in_force().held_by(user).order_by("pk")
    for given in held.select_related("role", "group", "grantor"):
        yield _reason("everywhere", given)


def _directly(user: Any, on: Any) -> Iterator[Reason]:
    if on.owner_id == user.pk:
        yield Reason(kind="owner", permissions=ACTIONS)
    for given in _grants(user, **{on._meta.model_name: on.pk}):
        yield _reason("grant", given)


def _by_session(user: Any, on: Any) -> Iterator[Reason]:
    if on._meta.model_name != "thread":
        return
    owners = {session_id: owner for _, session_id, owner in inheritance.parents([on.pk])}
    sessions = model_of("session").objects.filter(pk__in=owners)
    names = {pk: str(name) for pk, name in sessions.values_list("pk", "public_id")}
    for session_id, owner_id in owners.items():
        if owner_id == user.pk:
            yield Reason(kind="owner", permissions=ACTIONS, session_id=names[session_id])
    for given in _grants(user, session__in=owners):
        yield _reason("grant", given, names[given.session_id])


def _grants(user: Any, **on: Any) -> Any:
    held = RoleGrant.objects.in_force().held_by(user).filter(is_begun=True, **on).order_by("pk")
    return held.select_related("role", "group", "grantor")


def _reason(kind: str, given: Any, session_id: str = "") -> Reason:
    return Reason(
        kind=kind,
        permissions=given.role.permissions,
        role=given.role.name,
        group=given.group.name if given.group_id else "",
        session_id=session_id,
        grant_id=given.pk,
        grantor=given.grantor.get_username(),
        since=given.starts_at,
        until=given.ends_at,
        reason=given.reason,
    )

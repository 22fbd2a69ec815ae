"""Who holds what on one object, through which grants, and what a grant would change."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

from . import inheritance
from .actions import ACTIONS, Action
from .derive import latest, model_of
from .models import GlobalGrant, RoleGrant

MOST = 1000
Ends = dict[str, datetime | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """One reason why a person or a group holds permissions on an object."""

    # owner, grant, everywhere, superuser, staff; the first two also by way of a session.
    kind: str
    subject: Any
    permissions: Collection[str]
    role: str = ""
    # The session by way of which it holds on a thread.
    session: Any = None
    grant_id: int | None = None
    grantor: Any = None
    since: datetime | None = None
    until: datetime | None = None
    reason: str = ""

    @property
    def is_group(self) -> bool:
        """Say whether it is held by the members of a group."""
        return isinstance(self.subject, Group)

    def is_future(self, now: datetime) -> bool:
        """Say whether it has not begun yet."""
        return self.since is not None and self.since > now

    def is_over(self, now: datetime) -> bool:
        """Say whether it has ended."""
        return self.until is not None and self.until <= now

    def is_in_force(self, now: datetime) -> bool:
        """Say whether it counts now."""
        return not (self.is_future(now) or self.is_over(now))


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What a change gives to people or takes from them."""

    gains: dict[Any, list[Action]]
    losses: dict[Any, list[Action]]
    # People it is about for whom nothing changes.
    unchanged: list[Any]


def on(target: Any) -> list[Holding]:
    """Return every reason, those that ended or have not begun too. Six queries at most."""
    sessions = _sessions(target)
    granted = _granted(target, sessions)
    return [*_owners(target, sessions), *granted, *_everywhere(), *_by_account()]


def _owners(target: Any, sessions: dict[int, Any]) -> list[Holding]:
    found = [Holding(kind="owner", subject=target.owner, permissions=ACTIONS)]
    for session in sessions.values():
        if session.owner_id != target.owner_id:
            held = Holding(
                kind="owner", subject=session.owner, permissions=ACTIONS, session=session
            )
            found.append(held)
    return found


def _sessions(target: Any) -> dict[int, Any]:
    if target._meta.model_name != "thread":
        return {}
    keys = {session_id for _, session_id, _ in inheritance.parents([target.pk])}
    rows = model_of("session").objects.filter(pk__in=keys).select_related("owner")
    return {row.pk: row for row in rows} if keys else {}


def _granted(target: Any, sessions: dict[int, Any]) -> list[Holding]:
    own = RoleGrant.objects.filter(**{target._meta.model_name: target.pk})
    inherited = RoleGrant.objects.filter(session__in=sessions)
    rows = (own | inherited) if sessions else own
    related = rows.select_related("role", "user", "group", "grantor").order_by("pk")
    return [_held("grant", row, sessions.get(row.session_id or 0)) for row in related[:MOST]]


def _everywhere() -> list[Holding]:
    rows = GlobalGrant.objects.select_related("role", "user", "group", "grantor").order_by("pk")
    return [_held("everywhere", row, None) for row in rows[:MOST]]


def _by_account() -> list[Holding]:
    people = get_user_model()._default_manager.filter(is_active=True).order_by("pk")
    superusers = people.filter(is_superuser=True)[:MOST]
    staff = people.filter(is_staff=True, is_superuser=False)[:MOST]
    return [
        *(Holding(kind="superuser", subject=one, permissions=ACTIONS) for one in superusers),
        *(Holding(kind="staff", subject=one, permissions=("view",)) for one in staff),
    ]


def _held(kind: str, row: Any, session: Any) -> Holding:
    return Holding(
        kind=kind,
        subject=row.user or row.group,
        permissions=row.role.permissions,
        role=row.role.name,
        session=session,
        grant_id=row.pk,
        grantor=row.grantor,
        since=row.starts_at,
        until=row.ends_at,
        reason=row.reason,
    )


def of_grant(holdings: Iterable[Holding], given: Holding, *, now: datetime) -> Effect:
    """Return what a grant would change for those it goes to; it replaces one of the same role."""
    others = [one for one in holdings if not _is_same(one, given)]
    before = list(holdings)
    return _effect(before, [*others, replace(given, since=None)], given.subject, now)


def of_revoking(holdings: Iterable[Holding], grant_id: int, *, now: datetime) -> Effect:
    """Return what taking a grant away would change. Raises LookupError for an unknown one."""
    before = list(holdings)
    taken = next(one for one in before if one.kind == "grant" and one.grant_id == grant_id)
    others = [one for one in before if one is not taken]
    return _effect(before, others, taken.subject, now)


def _is_same(one: Holding, other: Holding) -> bool:
    return (
        one.kind == other.kind == "grant"
        and one.session is None
        and (one.role, one.subject) == (other.role, other.subject)
    )


def _effect(
    before: Collection[Holding], after: Collection[Holding], subject: Any, now: datetime
) -> Effect:
    members = _members([one for one in (*before, *after) if one.is_group])
    about = members[subject.pk] if isinstance(subject, Group) else [subject]
    old, new = _ends(before, members, now), _ends(after, members, now)
    gains, losses, unchanged = {}, {}, []
    for person in about:
        more = [action for action in ACTIONS if _is_more(new[person], old[person], action)]
        less = [action for action in ACTIONS if _is_more(old[person], new[person], action)]
        if more:
            gains[person] = more
        if less:
            losses[person] = less
        if not (more or less):
            unchanged.append(person)
    return Effect(gains=gains, losses=losses, unchanged=unchanged)


def _members(groups: Iterable[Holding]) -> defaultdict[int, list[Any]]:
    """Return the active people of each group, in two queries."""
    keys = {one.subject.pk for one in groups}
    people = get_user_model()._default_manager.filter(is_active=True, groups__in=keys)
    found: defaultdict[int, list[Any]] = defaultdict(list)
    for person in people.distinct().prefetch_related("groups").order_by("pk"):
        for group in person.groups.all():
            found[group.pk].append(person)
    return found


def _ends(
    holdings: Iterable[Holding], members: defaultdict[int, list[Any]], now: datetime
) -> defaultdict[Any, Ends]:
    held: defaultdict[Any, Ends] = defaultdict(dict)
    for one in holdings:
        if not one.is_in_force(now):
            continue
        for person in members[one.subject.pk] if one.is_group else [one.subject]:
            ends = held[person]
            for action in one.permissions:
                known = action in ends
                ends[action] = latest(ends[action], one.until) if known else one.until
    return held


def _is_more(new: Ends, old: Ends, action: str) -> bool:
    """Say whether the permission is held where it was not, or for longer."""
    if action not in new:
        return False
    if action not in old:
        return True
    return latest(new[action], old[action]) != old[action]

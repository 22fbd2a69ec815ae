"""Give people and groups roles on sessions and threads, and take them away."""

from __future__ import annotations

from datetime import MAXYEAR, datetime
from typing import TYPE_CHECKING, Any, cast

from django.contrib.auth.models import Group

from threadhub.kernel import acts, ticking
from threadhub.kernel.errors import Invalid, NotAllowed, NotVisible
from threadhub.kernel.models import clean_text
from threadhub.kernel.streams.log import Item

from . import access, derive, explaining, roles, touching
from .derive import Kind, Subject
from .models import RoleGrant

if TYPE_CHECKING:
    from .actions import Action

BEGIN_BATCH = 100


class BeyondOwnRights(NotAllowed):
    """The grant would give more, or for longer, than the grantor holds."""

    code = "beyond_own_rights"


def grant(
    *,
    role: str,
    to: Any,
    on: Any,
    actor: Any,
    now: datetime,
    until: datetime | None = None,
    starts_at: datetime | None = None,
    reason: str = "",
) -> RoleGrant:
    """Give a person or a group a role on a session or a thread.

    The same role given again changes when it ends. Raises NotVisible or NotAllowed when the
    actor may not manage the object, BeyondOwnRights, Invalid.
    """
    begins = demand_sound(to=to, starts_at=starts_at, until=until, now=now)
    access.demand(actor, "manage", on)
    found_role = roles.named(role)
    with acts.act("access.grant", reason=reason) as act:
        found_role = roles.locked(found_role.pk)
        kind = _locked(on)
        _demand_within(actor=actor, on=on, permissions=found_role.permissions, until=until)
        given = _same(RoleGrant(role=found_role, **subject_keys(to), **{f"{kind}_id": on.pk}))
        renew(given, begins=begins, until=until, actor=actor, reason=reason, now=now)
        given.is_begun = given.starts_at <= now
        given.save()
        _settle(act, given, on, "granted", actor)
    return given


def revoke(*, grant: RoleGrant, actor: Any, reason: str = "") -> None:
    """Take a grant away. Raises NotVisible when it is gone, NotAllowed without `manage`."""
    on: Any = grant.session or grant.thread
    access.demand(actor, "manage", on)
    with acts.act("access.revoke", reason=reason) as act:
        kind = _locked(on)
        mine = RoleGrant.objects.filter(pk=grant.pk, **{kind: on})
        given = mine.select_related("role", "user", "group").first()
        if given is None:
            raise NotVisible("There is no such grant.")
        mine.delete()
        _settle(act, given, on, "revoked", actor)


def demand_sound(
    *, to: Any, starts_at: datetime | None, until: datetime | None, now: datetime
) -> datetime:
    """Return when the grant begins. Raises Invalid for an inactive person and for no time."""
    if not isinstance(to, Group) and not to.is_active:
        raise Invalid(f"{to.get_username()} is deactivated.", fields={"user": ["Deactivated."]})
    for name, moment in (("until", until), ("starts_at", starts_at)):
        # Elsewhere on Earth it may be in a year that has no date.
        if moment is not None and moment.year == MAXYEAR:
            text = "This is too far away: leave the end open."
            raise Invalid(text, fields={name: ["Too far away."]})
    begins = max(now, starts_at or now)
    if until is not None and until <= now:
        raise Invalid("The grant would have ended already.", fields={"until": ["In the past."]})
    if until is not None and until <= begins:
        raise Invalid("The grant ends before it starts.", fields={"until": ["Before the start."]})
    return begins


def renew(
    given: Any,
    *,
    begins: datetime,
    until: datetime | None,
    actor: Any,
    reason: str,
    now: datetime,
) -> None:
    """Set what a new grant says; one in force keeps its start."""
    in_force = given.pk and given.starts_at <= now and (not given.ends_at or given.ends_at > now)
    if not in_force:
        given.starts_at = begins
    given.ends_at = until
    given.grantor = actor
    given.reason = clean_text(reason)[:500]


def subject_keys(to: Any) -> dict[str, Any]:
    """Return the column and value that say to whom a grant goes."""
    return {"group" if isinstance(to, Group) else "user": to}


def described(given: Any) -> dict[str, Any]:
    """Return a grant as the audit and streams tell it, with both people by name."""
    name = given.user.get_username() if given.user_id else given.group.name
    return {
        "grant": given.pk,
        "role": given.role.name,
        "user" if given.user_id else "group": name,
        "grantor": given.grantor.get_username(),
        "starts_at": given.starts_at.isoformat(),
        "until": given.ends_at.isoformat() if given.ends_at else None,
    }


def _same(wanted: RoleGrant) -> RoleGrant:
    """Return the grant of the same role to the same subject on the same object, or the new one."""
    named = ("role_id", "user_id", "group_id", "session_id", "thread_id")
    keys = {name: key for name in named if (key := getattr(wanted, name)) is not None}
    return RoleGrant.objects.filter(**keys).first() or wanted


def _kind(on: Any) -> Kind:
    return cast("Kind", on._meta.model_name)


def _locked(on: Any) -> Kind:
    """Lock the object, so that nobody else changes who holds what on it meanwhile."""
    found = type(on).objects.select_for_update(no_key=True).filter(pk=on.pk)
    if not found.values_list("pk"):
        raise NotVisible(f"There is no such {on._meta.verbose_name}.")
    return _kind(on)


def _demand_within(
    *, actor: Any, on: Any, permissions: list[Action], until: datetime | None
) -> None:
    """Refuse what is more, or lasts longer, than what the actor holds."""
    held = explaining.ends(user=actor, on=on)
    for action in (*permissions, "manage"):
        if action not in held:
            raise BeyondOwnRights(f"You cannot grant {action}: you do not hold it yourself.")
        end = held[action]
        if end is not None and (until is None or until > end):
            raise BeyondOwnRights(
                f"Your own right to {action} ends at {end:%Y-%m-%d %H:%M:%S} UTC: grant no longer "
                "than that."
            )


def _settle(act: acts.Act, given: RoleGrant, on: Any, what: str, actor: Any) -> None:
    """Derive what follows from a changed grant, and tell of it."""
    subject = _subject(given)
    derive.refresh_objects(**{f"{_kind(on)}_ids": [on.pk]}, subject=subject)
    touching.tell(act, [given])
    shown = {**described(given), "change": what, "by": actor.get_username()}
    act.append(on.stream_id, Item("access.changed", shown))
    act.record(on, data=shown)


def _subject(given: RoleGrant) -> Subject:
    if given.user_id is not None:
        return Subject("user", given.user_id)
    assert given.group_id is not None
    return Subject("group", given.group_id)


@ticking.duty("grants begin")
def begin_due(now: datetime) -> int:
    """Let grants whose start has come take effect; return how many. One query when none has."""
    due = RoleGrant.objects.filter(is_begun=False, starts_at__lte=now).order_by("pk")
    found = list(due.select_related("session", "thread")[:BEGIN_BATCH])
    return sum(_begin(given) for given in found)


def _begin(given: RoleGrant) -> bool:
    on: Any = given.session or given.thread
    with acts.act("access.begin") as act:
        _locked(on)
        mine = RoleGrant.objects.filter(pk=given.pk, is_begun=False)
        if not mine.update(is_begun=True):
            return False
        begun = RoleGrant.objects.select_related("role", "user", "group", "grantor")
        fresh = begun.get(pk=given.pk)
        _settle(act, fresh, on, "begun", fresh.grantor)
    return True

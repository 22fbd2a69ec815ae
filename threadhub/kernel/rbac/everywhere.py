"""Roles held everywhere: given and taken by superusers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from threadhub.kernel import acts
from threadhub.kernel.errors import NotAllowed, NotVisible

from . import roles, touching
from .grants import demand_sound, described, renew, subject_keys
from .models import GlobalGrant


def grant_everywhere(
    *,
    role: str,
    to: Any,
    actor: Any,
    now: datetime,
    until: datetime | None = None,
    starts_at: datetime | None = None,
    reason: str = "",
) -> GlobalGrant:
    """Give a person or a group a role on everything, now and later.

    The same role given again changes when it ends. Raises NotAllowed, Invalid.
    """
    demand_superuser(actor)
    begins = demand_sound(to=to, starts_at=starts_at, until=until, now=now)
    found_role = roles.named(role)
    with acts.act("access.grant_everywhere", reason=reason) as act:
        found_role = roles.locked(found_role.pk)
        same = {"role": found_role, **subject_keys(to)}
        given = GlobalGrant.objects.filter(**same).first() or GlobalGrant(**same)
        renew(given, begins=begins, until=until, actor=actor, reason=reason, now=now)
        given.save()
        touching.tell(act, [given])
        act.record(given, data={**described(given), "by": actor.get_username()})
    return given


def revoke_everywhere(*, grant: GlobalGrant, actor: Any, reason: str = "") -> None:
    """Take away a role held everywhere. Raises NotAllowed, NotVisible when it is gone."""
    demand_superuser(actor)
    with acts.act("access.revoke_everywhere", reason=reason) as act:
        mine = GlobalGrant.objects.select_for_update(no_key=True).filter(pk=grant.pk)
        given = mine.first()
        if given is None:
            raise NotVisible("There is no such grant.")
        GlobalGrant.objects.filter(pk=given.pk).delete()
        touching.tell(act, [given])
        act.record(given, data={**described(given), "by": actor.get_username()})


def demand_superuser(actor: Any) -> None:
    """Raise NotAllowed unless the person may grant roles everywhere."""
    if not (actor.is_active and actor.is_superuser):
        raise NotAllowed("Only superusers may grant roles everywhere.")

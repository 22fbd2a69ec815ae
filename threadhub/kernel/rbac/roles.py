"""Roles: named sets of permissions that grants hand out."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.apps import apps as installed
from django.db import IntegrityError

from threadhub.kernel import acts
from threadhub.kernel.errors import Conflict, Invalid, NotAllowed, NotVisible
from threadhub.kernel.models import clean_text

from . import derive, touching
from .actions import ACTIONS
from .models import GlobalGrant, Role, RoleGrant

SHIPPED: dict[str, tuple[str, ...]] = {
    "viewer": ("view", "read"),
    "operator": ("view", "read", "execute"),
    "editor": ("view", "read", "write", "execute"),
    "owner": ACTIONS,
    "auditor": ("view",),
}


class RoleExists(Conflict):
    """Another role has this name."""

    code = "role_exists"


class RoleInUse(Conflict):
    """The role is granted, or ThreadHub's own."""

    code = "role_in_use"


def ensure_shipped(*, using: str, apps: Any = installed, **_: Any) -> None:
    """Make the shipped roles that are missing, after each migration and flush."""
    try:
        role = apps.get_model("threadhub", "Role")
    except LookupError:
        # Migrated back to a time before roles.
        return
    rows = role._base_manager.using(using)
    present = set(rows.values_list("name", flat=True))
    for name, permissions in SHIPPED.items():
        if name not in present:
            role(name=name, permissions=list(permissions), is_shipped=True).save(using=using)


def named(name: str) -> Role:
    """Return the role. Raises Invalid naming the roles there are."""
    found = Role.objects.filter(name=clean_text(name)).first()
    if found is not None:
        return found
    known = ", ".join(Role.objects.order_by("name").values_list("name", flat=True))
    raise Invalid(
        f"There is no role {clean_text(name)!r}. Known roles: {known}.",
        code="role_unknown",
        fields={"role": ["Unknown."]},
    )


def create(
    *, name: str, permissions: Collection[str], actor: Any, text: str = "", reason: str = ""
) -> Role:
    """Make a role. Raises NotAllowed, Invalid, RoleExists."""
    _demand_superuser(actor)
    name = clean_text(name).strip()
    if not name or len(name) > 60:
        raise Invalid("A role's name has 1 to 60 characters.", fields={"name": ["Too long."]})
    role = Role(name=name, text=clean_text(text)[:255], permissions=_ordered(permissions))
    try:
        with acts.act("role.create", reason=reason) as act:
            role.save(force_insert=True)
            act.record(role, data={"role": name, "permissions": role.permissions})
    except IntegrityError:
        raise RoleExists(f"There is a role {name!r} already.") from None
    return role


def change(*, role: Role, permissions: Collection[str], actor: Any, reason: str = "") -> Role:
    """Give a role other permissions, and with it everybody who holds it.

    Raises NotAllowed, Invalid, NotVisible when the role is gone.
    """
    _demand_superuser(actor)
    wanted = _ordered(permissions)
    with acts.act("role.change", reason=reason) as act:
        role = locked(role.pk)
        before = role.permissions
        role.permissions = wanted
        role.save(update_fields=["permissions"])
        granted = list(RoleGrant.objects.filter(role=role))
        derive.refresh_objects(
            session_ids={row.session_id for row in granted if row.session_id is not None},
            thread_ids={row.thread_id for row in granted if row.thread_id is not None},
        )
        touching.tell(act, [*granted, *GlobalGrant.objects.filter(role=role)])
        act.record(role, data={"role": role.name, "before": before, "permissions": wanted})
    return role


def delete(*, role: Role, actor: Any, reason: str = "") -> None:
    """Delete a role nobody was granted. Raises NotAllowed, RoleInUse, NotVisible."""
    _demand_superuser(actor)
    with acts.act("role.delete", reason=reason) as act:
        role = locked(role.pk)
        if role.is_shipped:
            raise RoleInUse(f"{role.name} is one of ThreadHub's own roles and stays.")
        if _count(role):
            raise RoleInUse(
                f"{role.name} is granted {_count(role)} times. Revoke those grants first."
            )
        act.record(role, data={"role": role.name, "permissions": role.permissions})
        Role.objects.filter(pk=role.pk).delete()


def locked(role_id: int) -> Role:
    """Return the role, locked for the open act. Raises NotVisible when it is gone.

    Taken before any object: what is granted while a role changes gets its new permissions.
    """
    found = Role.objects.select_for_update(no_key=True).filter(pk=role_id).first()
    if found is None:
        raise NotVisible("There is no such role.")
    return found


def _count(role: Role) -> int:
    return (
        RoleGrant.objects.filter(role=role).count() + GlobalGrant.objects.filter(role=role).count()
    )


def _ordered(permissions: Collection[str]) -> list[str]:
    """Return the permissions in their order; each of them implies that one may view."""
    unknown = sorted(set(permissions) - set(ACTIONS))
    if unknown or not permissions:
        raise Invalid(
            f"A role gives some of: {', '.join(ACTIONS)}.",
            fields={"permissions": [f"Unknown: {', '.join(unknown)}." if unknown else "Empty."]},
        )
    return [action for action in ACTIONS if action in {"view", *permissions}]


def _demand_superuser(actor: Any) -> None:
    if not (actor.is_active and actor.is_superuser):
        raise NotAllowed("Only superusers may change roles.")

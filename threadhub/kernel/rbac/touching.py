"""Tells whoever holds something open that rights have changed."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.contrib.sessions.models import Session
from django.db.models import F, Q
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_delete

from threadhub.kernel import acts, audit, transactions
from threadhub.kernel.people.models import ApiKey, Profile
from threadhub.kernel.streams import wakeups

from . import held
from .events import AccessChanged


def tell(act: acts.Act, grants: Iterable[Any]) -> None:
    """Raise the epoch of everybody these grants reach and publish the change with the act."""
    rows = list(grants)
    if not rows:
        return
    user_ids, group_ids, session_ids, thread_ids = (
        sorted({key for row in rows if (key := getattr(row, name, None)) is not None})
        for name in ("user_id", "group_id", "session_id", "thread_id")
    )
    _raise_epoch(user_ids, group_ids)
    act.publish(AccessChanged(user_ids, group_ids, session_ids, thread_ids))


def _raise_epoch(user_ids: Collection[int], group_ids: Collection[int]) -> None:
    held.forget()
    reached = Q(user__in=user_ids)
    if group_ids:
        reached |= Q(user__groups__in=group_ids)
    keys = Profile.objects.filter(reached).values("pk")
    # In one order, so that two acts about the same people cannot wait for each other.
    locked = Profile.objects.filter(pk__in=keys).order_by("pk").select_for_update(no_key=True)
    mine = list(locked.values_list("pk", flat=True))
    Profile.objects.filter(pk__in=mine).update(access_epoch=F("access_epoch") + 1)
    _wake_after_commit()


def _wake_after_commit(**_: Any) -> None:
    """Let every process look again who may still hold something open."""
    transactions.after_commit(lambda: wakeups.announce(wakeups.ACCESS))


def connect() -> None:
    """Look at what happens to people and groups outside of acts; called once, at the start."""
    people = get_user_model()
    m2m_changed.connect(membership_changed, sender=people.groups.through)
    post_save.connect(person_changed, sender=people)
    pre_delete.connect(group_leaving, sender=Group)
    post_delete.connect(_wake_after_commit, sender=Session)
    post_save.connect(key_changed, sender=ApiKey)


def membership_changed(instance: Any, action: str, pk_set: Any, **_: Any) -> None:
    """React to people entering and leaving groups, from either side of the relation."""
    if isinstance(instance, Group) and action == "pre_clear":
        group_leaving(instance)
    elif action.startswith("post_"):
        user_ids = list(pk_set or ()) if isinstance(instance, Group) else [instance.pk]
        _raise_alone(user_ids, ())


def person_changed(instance: Any, update_fields: Any, **_: Any) -> None:
    """React to somebody being deactivated, or becoming staff or superuser."""
    watched = {"is_active", "is_staff", "is_superuser", "password"}
    if update_fields is None or watched & set(update_fields):
        _raise_alone([instance.pk], ())


def key_changed(update_fields: Any, **_: Any) -> None:
    """React to an API key being revoked, or ending earlier."""
    if update_fields is None or {"revoked_at", "expires_at"} & set(update_fields):
        _wake_after_commit()


def group_leaving(instance: Any, **_: Any) -> None:
    """React to a group about to be deleted: its grants go with it."""
    _raise_alone((), [instance.pk])


def _raise_alone(user_ids: Collection[int], group_ids: Collection[int]) -> None:
    with transactions.atomic(), audit.machinery("access epoch"):
        _raise_epoch(user_ids, group_ids)

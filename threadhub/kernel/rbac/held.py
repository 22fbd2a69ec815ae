"""What a person holds, looked up before any object is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.db.models import CharField, Exists, JSONField, Value

from . import tables
from .actions import ACTIONS
from .models import GlobalGrant, groups_of

if TYPE_CHECKING:
    from django.db import models


@dataclass(frozen=True, slots=True)
class Held:
    """What a person holds on every object, and on which models something was shared with them."""

    everywhere: frozenset[str]
    # Labels of models. Where nothing was shared, owners are found by their own index alone.
    shared: frozenset[str] = frozenset()


_remembered: ContextVar[dict[int, Held] | None] = ContextVar("threadhub_held", default=None)


def by(user: Any, asked: str = "manage") -> Held:
    """Return what an active person holds.

    No query for superusers, nor for staff who only ask to view; one otherwise, and one per
    request where `remembering` is open.
    """
    if user.is_superuser:
        return Held(frozenset(ACTIONS))
    as_staff = frozenset({"view"}) if user.is_staff else frozenset()
    if asked in as_staff:
        return Held(as_staff)
    memory = _remembered.get()
    if memory is not None and user.pk in memory:
        return memory[user.pk]
    held = _looked_up(user, as_staff)
    if memory is not None:
        memory[user.pk] = held
    return held


def _looked_up(user: Any, as_staff: frozenset[str]) -> Held:
    given = GlobalGrant.objects.in_force().held_by(user)
    everywhere = given.values_list("role__permissions", Value("", output_field=CharField()))
    found = list(everywhere.union(*_shared(user), all=True))
    return Held(
        everywhere=as_staff.union(*(permissions for permissions, _ in found)),
        shared=frozenset(label for _, label in found if label),
    )


def _shared(user: Any) -> Iterator[models.QuerySet[Any]]:
    """Yield a statement for each model that can be shared: a row where something was."""
    people = get_user_model()._default_manager
    for table in tables.every():
        mine = table.user._default_manager.filter(user=user.pk)
        of_group = table.group._default_manager.filter(group__in=groups_of(user))
        label = Value(tables.target(table.user)._meta.label, output_field=CharField())
        person = people.filter(Exists(mine) | Exists(of_group), pk=user.pk)
        yield person.values_list(Value([], output_field=JSONField()), label)


def views_everything(user: Any) -> bool:
    """Say whether the person may view every object: superusers, staff and auditors do."""
    return bool(user.is_active) and "view" in by(user, "view").everywhere


@contextmanager
def remembering() -> Iterator[None]:
    """Look up what each person holds once inside the block, which must be short."""
    token = _remembered.set({})
    try:
        yield
    finally:
        _remembered.reset(token)


def forget() -> None:
    """Look up anew: somebody's rights have changed in this block."""
    if (memory := _remembered.get()) is not None:
        memory.clear()

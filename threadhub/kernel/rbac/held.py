"""What a person holds on every object, looked up before any object is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from .actions import ACTIONS
from .models import GlobalGrant

_remembered: ContextVar[dict[int, frozenset[str]] | None] = ContextVar(
    "threadhub_held_everywhere", default=None
)


def everywhere(user: Any, asked: str = "manage") -> frozenset[str]:
    """Return what an active person holds on every object.

    No query for superusers, nor for staff who only ask to view; one otherwise, and one per
    request where `remembering` is open.
    """
    if user.is_superuser:
        return frozenset(ACTIONS)
    as_staff = {"view"} if user.is_staff else set()
    if asked in as_staff:
        return frozenset(as_staff)
    memory = _remembered.get()
    if memory is not None and user.pk in memory:
        return memory[user.pk]
    given = GlobalGrant.objects.in_force().held_by(user)
    held = frozenset(as_staff.union(*given.values_list("role__permissions", flat=True)))
    if memory is not None:
        memory[user.pk] = held
    return held


def views_everything(user: Any) -> bool:
    """Say whether the person may view every object: superusers, staff and auditors do."""
    return bool(user.is_active) and "view" in everywhere(user, "view")


@contextmanager
def remembering() -> Iterator[None]:
    """Look up what each person holds everywhere once inside the block, which must be short."""
    token = _remembered.set({})
    try:
        yield
    finally:
        _remembered.reset(token)


def forget() -> None:
    """Look up anew: somebody's rights have changed in this block."""
    if (memory := _remembered.get()) is not None:
        memory.clear()

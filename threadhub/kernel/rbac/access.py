"""The one door: the only way to a protected object."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db import models
from django.db.models import Value

from threadhub.kernel.errors import NotAllowed, NotVisible

from .querysets import ACTIONS, Action, ProtectedQuerySet

ModelT = TypeVar("ModelT", bound=models.Model)


def get(
    queryset: ProtectedQuerySet[ModelT],
    *,
    user: Any,
    action: Action,
    telling: Action | None = None,
    **lookup: Any,
) -> ModelT:
    """Return the one object the lookup names; see `visible_to` for `telling`.

    Raises NotVisible when it is missing or hidden (the same words for both), NotAllowed when
    the person sees it but lacks the permission. Two queries at most, four on refusal.
    """
    found = queryset.visible_to(user, action, telling=telling).filter(**lookup).first()
    if found is not None:
        return found
    noun = str(queryset.model._meta.verbose_name)
    if action != "view" and queryset.visible_to(user, "view").filter(**lookup).exists():
        raise NotAllowed(f"You may see this {noun}, but you lack the permission to {action} it.")
    raise NotVisible(f"There is no such {noun}.")


def can(user: Any, action: Action, target: models.Model) -> bool:
    """Say whether the person holds the permission on the object. Two queries at most."""
    return _itself(target).visible_to(user, action).exists()


def demand(user: Any, action: Action, target: models.Model) -> None:
    """Raise what `get` raises unless the person holds the permission on the object."""
    get(_itself(target), user=user, action=action)


def held(user: Any, target: models.Model) -> frozenset[Action]:
    """Return all the person holds on the object. Two queries at most."""
    itself = _itself(target)
    first, *more = (_answering(itself.visible_to(user, action), action) for action in ACTIONS)
    return frozenset(first.union(*more, all=True))


def _answering(rows: ProtectedQuerySet[Any], action: Action) -> models.QuerySet[Any, Action]:
    return rows.values_list(Value(action, output_field=models.CharField()), flat=True)


def _itself(target: models.Model) -> ProtectedQuerySet[Any]:
    queryset = type(target)._default_manager.filter(pk=target.pk)
    if not isinstance(queryset, ProtectedQuerySet):
        raise TypeError(f"{type(target).__name__} is not protected.")
    return queryset

"""What a person may see or do, as one subquery: lists and single questions ask the same."""

from __future__ import annotations

from typing import Any, Self, TypeVar

from django.contrib.auth.models import Permission
from django.db import models
from django.db.models import BooleanField, Case, Q, Subquery, Value, When
from django.db.models.functions import Now

from threadhub.kernel.models import RecordedQuerySet

from . import tables
from .actions import ACTIONS as ACTIONS
from .actions import Action as Action
from .held import Held, by
from .models import groups_of

ModelT = TypeVar("ModelT", bound=models.Model)
UNENDED = Q(until=None) | Q(until__gt=Now())


class ProtectedQuerySet(RecordedQuerySet[ModelT]):
    """A queryset that can be narrowed to what a person may see or do.

    `belongs_to` leads to the object whose owner and grants count; empty for that object
    itself. An object whose model has no permission rows has an owner only.
    """

    belongs_to = ""

    def visible_to(
        self, user: Any, action: Action = "view", *, telling: Action | None = None
    ) -> Self:
        """Return the rows on which the person holds the permission; inactive people hold none.

        With `telling`, each row says by `is_told` whether the person holds that one too. Costs
        a small query for what the person holds everywhere, except for superusers.
        """
        for asked in (action, telling):
            if asked is not None and asked not in ACTIONS:
                raise ValueError(f"{asked!r} is no permission.")
        if not user.is_active or not user.is_authenticated:
            return self.none()
        held = by(user, telling or action)
        is_held = action in held.everywhere
        found = self.all() if is_held else self.filter(self._reached(user, action, held))
        if telling is None:
            return found
        is_held = telling in held.everywhere
        told = Value(True) if is_held else self._told(user, telling, held)  # noqa: FBT003  # SQL
        return found.annotate(is_told=told)

    def _told(self, user: Any, action: Action, held: Held) -> Case:
        reached = When(self._reached(user, action, held), then=Value(True))  # noqa: FBT003  # SQL
        return Case(reached, default=Value(False), output_field=BooleanField())  # noqa: FBT003

    def _reached(self, user: Any, action: Action, held: Held) -> Q:
        """Return the condition for owners and for those whom grants reach.

        A union costs as much as the person may see; with OR, PostgreSQL looks at every row.
        """
        path = self.belongs_to
        target = tables.anchor(self.model, path)
        granted = tables.of(target)
        if granted is None or target._meta.label not in held.shared:
            return Q(**{f"{path}__owner" if path else "owner": user.pk})
        own = target._default_manager.filter(owner=user.pk).values("pk")
        by_person = _objects(granted.user, action, user=user.pk)
        by_group = _objects(granted.group, action, group__in=groups_of(user))
        return Q(**{f"{path or 'pk'}__in": own.union(by_person, by_group, all=True)})


def _objects(model: type[models.Model], action: Action, **subject: Any) -> models.QuerySet[Any]:
    rows = model._default_manager.filter(UNENDED, permission=_permission(model, action), **subject)
    return rows.values("content_object")


def _permission(model: type[models.Model], action: Action) -> Subquery:
    """Return the key of the permission, looked up by the statement itself: nothing to cache."""
    target = tables.target(model)._meta
    found = Permission.objects.filter(
        codename=f"{action}_{target.model_name}",
        content_type__app_label=target.app_label,
        content_type__model=target.model_name,
    )
    return Subquery(found.values("pk")[:1])

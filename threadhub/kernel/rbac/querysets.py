"""The first rules: owners hold everything on what is theirs, superusers on everything."""

from __future__ import annotations

from typing import Any, Literal, Self, TypeVar

from django.db import models

from threadhub.kernel.models import RecordedQuerySet

ModelT = TypeVar("ModelT", bound=models.Model)
Action = Literal["view", "read", "write", "execute", "delete", "manage"]
ACTIONS: tuple[Action, ...] = ("view", "read", "write", "execute", "delete", "manage")


class ProtectedQuerySet(RecordedQuerySet[ModelT]):
    """A queryset that can be narrowed to what a person may see or do.

    `owner_path` leads from the model to the person who owns it.
    """

    owner_path = "owner"

    def visible_to(self, user: Any, action: Action = "view") -> Self:
        """Return the rows on which the person holds the permission; inactive people hold none."""
        if action not in ACTIONS:
            raise ValueError(f"{action!r} is no permission.")
        if not user.is_active or not user.is_authenticated:
            return self.none()
        if user.is_superuser:
            return self.all()
        return self.filter(**{self.owner_path: user.pk})

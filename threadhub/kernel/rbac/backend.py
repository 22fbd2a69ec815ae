"""Lets `user.has_perm(permission, object)` ask the one door."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from guardian.backends import ObjectPermissionBackend

from . import access
from .querysets import ACTIONS, Action, ProtectedQuerySet

if TYPE_CHECKING:
    from django.db import models


class GrantBackend(ObjectPermissionBackend):
    """Answers about protected objects; about models as a whole it gives nothing.

    Guardian's own answers ignore when a right ends, hence none of them is used.
    """

    def has_perm(self, user_obj: Any, perm: str, obj: models.Model | None = None) -> bool:
        """Say whether the person holds `app.action_model` on the object."""
        action = _action(perm, obj)
        return action is not None and obj is not None and access.can(user_obj, action, obj)

    def get_all_permissions(self, user_obj: Any, obj: models.Model | None = None) -> set[str]:
        """Return all the person holds on the object, as `app.action_model`."""
        if obj is None or not _is_protected(obj):
            return set()
        return {_permission(action, obj) for action in access.held(user_obj, obj)}

    def get_group_permissions(self, user_obj: Any, obj: models.Model | None = None) -> set[str]:
        """Return nothing: `explain` tells through which group somebody holds what."""
        return set()


def _action(perm: str, obj: models.Model | None) -> Action | None:
    if obj is None or not _is_protected(obj):
        return None
    return next((action for action in ACTIONS if _permission(action, obj) == perm), None)


def _permission(action: Action, obj: models.Model) -> str:
    return f"{obj._meta.app_label}.{action}_{obj._meta.model_name}"


def _is_protected(obj: models.Model) -> bool:
    return isinstance(type(obj)._default_manager.all(), ProtectedQuerySet)

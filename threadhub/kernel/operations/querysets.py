"""Chainable filters for operations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from django.db.models import Q
from django.db.models.functions import Now

from threadhub.kernel import hinting
from threadhub.kernel.rbac.querysets import ProtectedQuerySet

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from threadhub.kernel.rbac.held import Held
    from threadhub.kernel.rbac.querysets import Action

    from .models import Operation  # noqa: F401  # quoted below


class OperationQuerySet(ProtectedQuerySet["Operation"]):
    """Filters for operations; they belong to who asked for them."""

    def _reached(self, user: Any, action: Action, held: Held) -> Q:
        return Q(asked_by=user.pk)

    def forgotten(self, *, now: datetime) -> Self:
        """Return the pending operations whose hint seems lost."""
        return self.filter(hinting.seems_lost(now=now), state="pending")

    def unheeded(self, *, after: timedelta) -> Self:
        """Return the pending operations nobody has taken for so long, whatever was hinted."""
        return self.filter(state="pending", updated_at__lte=Now() - after)

    def abandoned(self) -> Self:
        """Return the running operations whose lease has ended, by the database's clock."""
        return self.filter(state="running", lease_until__lt=Now())

"""Chainable filters of the store's tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from threadhub.kernel.rbac.querysets import ProtectedQuerySet

if TYPE_CHECKING:
    from datetime import datetime


class StoreItemQuerySet(ProtectedQuerySet[Any]):
    """Filters for items; an item belongs to the person whose run or request stored it."""

    def expired(self, now: datetime) -> Self:
        """Return the items whose time is up."""
        return self.filter(expires_at__lte=now)

"""Changes of items by people, inside their acts, and the sweep of those that have expired."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

from checkpoints_app.backends.items import Items
from checkpoints_app.models import StoreItem
from checkpoints_app.storage import Batch, store_for
from checkpoints_app.storage.memory import change
from threadhub.kernel import audit, ticking, transactions

SWEPT_AT_ONCE = 1000


def put(
    *,
    owner: Any,
    namespace: tuple[str, ...],
    key: str,
    value: Mapping[str, Any],
    ttl: float | None,
    now: datetime,
) -> StoreItem:
    """Store an item of a person's in the transaction that is open.

    Raises BadNamespace, BadItem.
    """
    asked = Batch()
    asked.put(namespace, key, value, ttl=ttl)
    return StoreItem(pk=_change(asked, owner, now)[0], owner=owner, namespace=namespace, key=key)


def delete(*, owner: Any, namespace: tuple[str, ...], key: str, now: datetime) -> StoreItem | None:
    """Delete an item of a person's in the transaction that is open; None when there is none.

    Raises BadNamespace, BadItem.
    """
    asked = Batch()
    asked.delete(namespace, key)
    numbers = _change(asked, owner, now)
    if not numbers:
        return None
    return StoreItem(pk=numbers[0], owner=owner, namespace=namespace, key=key)


def _change(asked: Batch, owner: Any, now: datetime) -> list[int]:
    """Make the changes on Django's connection, so that they end with the caller's act."""
    backend = store_for(DEFAULT_DB_ALIAS).backend
    wrapper: Any = connections[DEFAULT_DB_ALIAS]
    return change(Items(backend, wrapper, owner=owner.pk, now=now), asked)


@ticking.duty("store.sweep")
def sweep(now: datetime) -> int:
    """Delete up to 1 000 items that have expired; writes nothing when there are none."""
    if not StoreItem.objects.expired(now).exists():
        return 0
    with transactions.atomic(), audit.machinery("store expiry"):
        # Rows that a run is storing anew are left to it.
        rows = StoreItem.objects.expired(now).select_for_update(skip_locked=True)
        numbers = list(rows.order_by("id").values_list("id", flat=True)[:SWEPT_AT_ONCE])
        return StoreItem.objects.filter(pk__in=numbers).delete()[0]

"""People's own memories, as they reach them through the API.

A memory is opened by who asks, never by an id that somebody else's could have.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from checkpoints_app import storage
from checkpoints_app.services import items
from checkpoints_app.storage import Remembered
from threadhub.kernel import acts
from threadhub.kernel.models import clean_text

Labels = tuple[str, ...]
Item = Remembered


def put(
    *,
    actor: Any,
    namespace: Labels,
    key: str,
    value: Mapping[str, Any],
    ttl: float | None,
    now: datetime,
) -> None:
    """Store an item in the actor's memory, for some minutes or for good.

    Raises BadNamespace, BadItem.
    """
    with acts.act("store.put") as act:
        row = items.put(owner=actor, namespace=namespace, key=key, value=value, ttl=ttl, now=now)
        act.record(row, data=_place(namespace, key))


def delete(*, actor: Any, namespace: Labels, key: str, now: datetime) -> None:
    """Delete an item of the actor's; nothing happens when there is none.

    Raises BadNamespace, BadItem.
    """
    with acts.act("store.delete") as act:
        row = items.delete(owner=actor, namespace=namespace, key=key, now=now)
        if row is not None:
            act.record(row, data=_place(namespace, key))


def _place(namespace: Labels, key: str) -> dict[str, Any]:
    return {"namespace": [clean_text(label) for label in namespace], "key": clean_text(key)}


def get(*, actor: Any, namespace: Labels, key: str, refresh: bool | None) -> Item | None:
    """Return an item of the actor's, None when there is none. Raises BadNamespace, BadItem."""
    asked = storage.Batch()
    asked.get(namespace, key, refresh=refresh is not False)
    return _only(actor, asked)  # type: ignore[no-any-return]


def search(
    *,
    actor: Any,
    prefix: Labels,
    wanted: Mapping[str, Any] | None,
    limit: int,
    offset: int,
    refresh: bool | None,
) -> list[Item]:
    """Return the actor's items below a namespace that match, latest first; one page.

    Raises BadNamespace, BadQuery.
    """
    asked = storage.Batch()
    asked.search(prefix, wanted=wanted, limit=limit, offset=offset, refresh=refresh is not False)
    return _only(actor, asked)  # type: ignore[no-any-return]


def namespaces(
    *,
    actor: Any,
    prefix: Labels,
    suffix: Labels,
    max_depth: int | None,
    limit: int,
    offset: int,
) -> list[Labels]:
    """Return the actor's namespaces that match, in order; one page. Raises BadNamespace."""
    asked = storage.Batch()
    conditions = [("prefix", prefix), ("suffix", suffix)]
    asked.namespaces(conditions, max_depth=max_depth, limit=limit, offset=offset)
    return _only(actor, asked)  # type: ignore[no-any-return]


def _only(actor: Any, asked: storage.Batch) -> Any:
    return storage.Memory(storage.store_for(), owner=actor.pk).run(asked)[0]

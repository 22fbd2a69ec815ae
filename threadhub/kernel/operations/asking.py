"""Ask for an operation: the order and its items in one act."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError

from threadhub.kernel import acts
from threadhub.kernel.errors import Invalid
from threadhub.kernel.ids import new_id
from threadhub.kernel.models import clean_metadata, clean_text
from threadhub.kernel.observability import correlation
from threadhub.kernel.streams import log

from . import kinds, telling
from .events import OperationRequested
from .models import Operation, OperationItem

if TYPE_CHECKING:
    from .kinds import Kind, Selected

MAX_ITEMS = 100_000
BATCH = 1_000


class KeyReused(Invalid):
    """The idempotency key belongs to a different request."""

    code = "idempotency_key_reused"


def ask(
    *,
    kind: str,
    asked_by: Any,
    now: datetime,
    items: Selected | None = None,
    wanted: Mapping[str, Any] | None = None,
    target: Mapping[str, Any] | None = None,
    arguments: Mapping[str, Any] | None = None,
    reason: str = "",
    idempotency_key: str | None = None,
) -> Operation:
    """Accept an operation: it will be performed, whatever happens to this process.

    Its items are `items` (key and label), or what the filter `wanted` matches now; what comes
    later is not touched. `target` (key and label of one object) is kept for the reader. Raises
    Invalid, KeyReused, and what the kind's own selection refuses. The same idempotency key with
    the same request returns the operation that exists.
    """
    found = kinds.named(kind)
    arguments = clean_metadata(dict(arguments or {}))
    kinds.check_names("arguments", arguments, found.arguments)
    operation = Operation(
        public_id=new_id(),
        kind=kind,
        target=None if target is None else dict(target),
        filter=None if wanted is None else dict(wanted),
        arguments=arguments,
        asked_by=asked_by,
        reason=_reason(reason),
        correlation_id=correlation.current(),
        idempotency_key=idempotency_key,
        # The hint goes out with the commit; the tick repeats it if it got lost.
        dispatched_at=now,
        created_at=now,
        updated_at=now,
    )
    return _accept(operation, found, items)


def _accept(operation: Operation, found: Kind, items: Selected | None) -> Operation:
    operation.request_digest = _digest(operation)
    if (known := _known(operation)) is not None:
        return known
    if items is None:
        items = kinds.select(found, user=operation.asked_by, wanted=operation.filter or {})
    return _insert(operation, _limited(items))


def _insert(operation: Operation, items: Sequence[tuple[str, str]]) -> Operation:
    operation.total = len(items)
    try:
        with acts.act("operation.ask", reason=operation.reason) as act:
            operation.stream = log.open_stream(key=f"operation:{operation.public_id}")
            operation.save(force_insert=True)
            for batch in _batches(operation, items):
                OperationItem.objects.bulk_create(batch)
            telling.tell(act, operation, "created")
            act.publish(OperationRequested(operation.pk))
    except IntegrityError:
        # Two requests with one key met; the other one's operation stands.
        if (known := _known(operation)) is not None:
            return known
        raise
    return operation


def _batches(
    operation: Operation, items: Sequence[tuple[str, str]]
) -> Iterator[list[OperationItem]]:
    rows = (
        OperationItem(operation=operation, position=position, key=key, label=label[:255])
        for position, (key, label) in enumerate(items, start=1)
    )
    while batch := list(islice(rows, BATCH)):
        yield batch


def _limited(items: Selected) -> list[tuple[str, str]]:
    found = list(islice(items, MAX_ITEMS + 1))
    if len(found) > MAX_ITEMS:
        raise Invalid(
            f"This is about more than {MAX_ITEMS} objects. Narrow the filter, and ask again for "
            "the rest."
        )
    return found


def _reason(text: str) -> str:
    text = clean_text(text).strip()
    if len(text) > 500:
        message = "The reason is longer than 500 characters."
        raise Invalid(message, fields={"reason": ["Too long."]})
    return text


def _digest(operation: Operation) -> str:
    asked = (operation.kind, operation.target, operation.filter, operation.arguments)
    text = json.dumps([*asked, operation.reason], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _known(operation: Operation) -> Operation | None:
    if operation.idempotency_key is None:
        return None
    known = Operation.objects.filter(
        asked_by=operation.asked_by, idempotency_key=operation.idempotency_key
    ).first()
    if known is not None and known.request_digest != operation.request_digest:
        raise KeyReused("This idempotency key was used for a different request.")
    return known

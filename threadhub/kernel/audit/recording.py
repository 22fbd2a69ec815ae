"""Writes entries, and admits the bulk writes that make none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from auditlog import get_logentry_model

from threadhub.kernel.models import bulk_writes, clean_text
from threadhub.kernel.observability import correlation
from threadhub.kernel.observability.redaction import redact

if TYPE_CHECKING:
    from django.db import models

    from .models import AuditEntry

# Why bookkeeping may change rows without an entry. A test holds this list.
MACHINERY = frozenset(
    {
        "lease",
        "stream",
        "outbox",
        "graph catalogue",
        "store expiry",
        "access epoch",
    }
)


@contextmanager
def recording(act: str) -> Iterator[None]:
    """Admit bulk writes inside an act, which records itself."""
    with bulk_writes(act):
        yield


@contextmanager
def machinery(why: str) -> Iterator[None]:
    """Admit bulk writes of bookkeeping. Raises KeyError for a reason that is not listed."""
    if why not in MACHINERY:
        raise KeyError(f"{why!r} is no listed reason for unrecorded changes.")
    with bulk_writes(why):
        yield


def record(
    *,
    act: str,
    target: models.Model,
    outcome: str = "done",
    reason: str = "",
    data: Mapping[str, Any] | None = None,
) -> None:
    """Write one entry about an act on `target`, in the transaction that is open."""
    given = {"act": act, "target": target, "outcome": outcome, "reason": reason, "data": data}
    record_all([given])


def record_all(entries: Iterable[Mapping[str, Any]]) -> None:
    """Write entries together, each of what `record` takes."""
    made = [_entry(**given) for given in entries]
    for entry in made:
        # Bulk writes send no signal.
        entry.complete()
    get_logentry_model().objects.bulk_create(made)


def _entry(
    *,
    act: str,
    target: models.Model,
    outcome: str = "done",
    reason: str = "",
    data: Mapping[str, Any] | None = None,
) -> AuditEntry:
    entry: type[AuditEntry] = get_logentry_model()
    label = target._meta.model_name or ""
    return entry(
        act=act,
        action=entry.Action.UPDATE,
        object_pk=str(target.pk),
        object_repr=clean_text(str(target))[:200],
        model_label=label,
        outcome=outcome,
        reason=clean_text(reason)[:500],
        additional_data=redact(dict(data)) if data else None,
        cid=correlation.current(),
    )

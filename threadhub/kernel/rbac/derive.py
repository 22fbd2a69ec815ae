"""Keeps the permission rows equal to the union of the grants that give them.

Rows are recomputed while their objects are locked, so that two acts at the same time cannot
each leave out what the other granted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from django.contrib.auth.models import Permission
from django.db.models import Q
from django.db.models.functions import Now

from threadhub.kernel import transactions
from threadhub.kernel.streams import wakeups

from . import held, inheritance, tables
from .actions import ACTIONS
from .models import RoleGrant

if TYPE_CHECKING:
    from django.db import models

BATCH = 500

Kind = Literal["session", "thread"]


class Subject(NamedTuple):
    """A person or a group, by kind and key."""

    kind: Literal["user", "group"]
    pk: int


class _Row(NamedTuple):
    """What one permission row says, but for its end."""

    subject: Subject
    target: int
    permission: int


_Ends = dict[_Row, datetime | None]


def refresh_objects(
    *,
    session_ids: Collection[int] = (),
    thread_ids: Collection[int] = (),
    subject: Subject | None = None,
) -> None:
    """Recompute the rows of these objects, and of the threads of these sessions.

    Runs inside the act that changed a grant, a membership or an owner, after the change; for
    one subject or for all. Locks sessions, then threads, by ascending key.
    """
    _refresh("session", sorted(set(session_ids)), subject)
    _refresh("thread", sorted({*thread_ids, *_reached(session_ids)}), subject)


def _reached(session_ids: Collection[int]) -> Collection[int]:
    """Return the threads that what changed on the sessions reaches, all in this act."""
    return inheritance.children(session_ids) if session_ids else ()


def _refresh(kind: Kind, keys: Sequence[int], subject: Subject | None) -> None:
    for start in range(0, len(keys), BATCH):
        batch = keys[start : start + BATCH]
        _lock(kind, batch)
        changed = _write_difference(kind, batch, subject)
        if changed:
            held.forget()
            _wake_after_commit(_streams(kind, changed))


def model_of(kind: Kind) -> Any:
    """Return the model that grants of this kind are about."""
    return RoleGrant._meta.get_field(kind).related_model


def _lock(kind: Kind, keys: Sequence[int]) -> None:
    rows = model_of(kind).objects.filter(pk__in=keys).order_by("pk")
    list(rows.select_for_update(no_key=True).values_list("pk"))


def _streams(kind: Kind, keys: Collection[int]) -> list[int]:
    return list(model_of(kind).objects.filter(pk__in=keys).values_list("stream_id", flat=True))


def _wake_after_commit(stream_ids: Sequence[int]) -> None:
    """Let those who watch, in every process, look again at once whether they still may."""

    def wake() -> None:
        for stream_id in stream_ids:
            wakeups.announce(stream_id)

    transactions.after_commit(wake)


def _write_difference(kind: Kind, keys: Sequence[int], subject: Subject | None) -> set[int]:
    """Make the rows what they should be and return the objects whose rows changed."""
    found = tables.of(model_of(kind))
    assert found is not None
    wanted = _wanted(kind, keys, subject)
    changed: set[int] = set()
    for name, table in (("user", found.user), ("group", found.group)):
        if subject is None or subject.kind == name:
            mine = {row: end for row, end in wanted.items() if row.subject.kind == name}
            changed |= _write(table, name, keys, subject, mine)
    return changed


def _write(
    table: type[models.Model],
    name: Any,
    keys: Sequence[int],
    subject: Subject | None,
    wanted: _Ends,
) -> set[int]:
    rows = table._default_manager.filter(content_object__in=keys)
    if subject is not None:
        rows = rows.filter(**{name: subject.pk})
    present: dict[_Row, tuple[int, datetime | None]] = {}
    for pk, holder, target, permission, until in rows.values_list(
        "pk", f"{name}_id", "content_object_id", "permission_id", "until"
    ):
        present[_Row(Subject(name, holder), target, permission)] = (pk, until)
    missing = [row for row in wanted if row not in present]
    surplus = [row for row in present if row not in wanted]
    moved = [row for row in wanted if row in present and present[row][1] != wanted[row]]
    _insert(table, name, {row: wanted[row] for row in missing})
    _delete(table, [present[row][0] for row in surplus])
    _move(table, {present[row][0]: wanted[row] for row in moved})
    return {row.target for row in (*missing, *surplus, *moved)}


def _insert(table: type[models.Model], name: str, rows: _Ends) -> None:
    if rows:
        table._default_manager.bulk_create(
            table(
                **{f"{name}_id": row.subject.pk},
                content_object_id=row.target,
                permission_id=row.permission,
                until=until,
            )
            for row, until in rows.items()
        )


def _delete(table: type[models.Model], keys: Sequence[int]) -> None:
    for start in range(0, len(keys), BATCH):
        table._default_manager.filter(pk__in=keys[start : start + BATCH]).delete()


def _move(table: type[models.Model], ends: dict[int, datetime | None]) -> None:
    together: dict[datetime | None, list[int]] = defaultdict(list)
    for pk, until in ends.items():
        together[until].append(pk)
    for until, keys in together.items():
        for start in range(0, len(keys), BATCH):
            batch = keys[start : start + BATCH]
            table._default_manager.filter(pk__in=batch).update(until=until)


def _wanted(kind: Kind, keys: Sequence[int], subject: Subject | None) -> _Ends:
    permissions = _permissions(model_of(kind))
    ends: _Ends = {}
    for holder, target, actions, end in _sources(kind, keys, subject):
        for action in actions:
            row = _Row(holder, target, permissions[action])
            ends[row] = latest(ends[row], end) if row in ends else end
    return ends


def latest(first: datetime | None, second: datetime | None) -> datetime | None:
    """Return the later of two ends; None, no end, is the latest of all."""
    return None if first is None or second is None else max(first, second)


_Source = tuple[Subject, int, Collection[str], datetime | None]


def _sources(kind: Kind, keys: Sequence[int], subject: Subject | None) -> Iterator[_Source]:
    """Yield who holds what on which object until when, once for each reason."""
    yield from _granted(kind, keys, subject)
    if kind == "session":
        return
    below: dict[int, list[int]] = defaultdict(list)
    for thread_id, session_id, owner_id in inheritance.parents(keys):
        below[session_id].append(thread_id)
        if owner_id is not None and subject in {None, Subject("user", owner_id)}:
            yield Subject("user", owner_id), thread_id, ACTIONS, None
    for holder, session_id, actions, end in _granted("session", list(below), subject):
        for thread_id in below[session_id]:
            yield holder, thread_id, actions, end


def _granted(kind: Kind, keys: Sequence[int], subject: Subject | None) -> Iterator[_Source]:
    begun = RoleGrant.objects.filter(Q(ends_at=None) | Q(ends_at__gt=Now()), is_begun=True)
    begun = begun.filter(**{f"{kind}__in": keys})
    if subject is not None:
        begun = begun.filter(**{subject.kind: subject.pk})
    for user_id, group_id, target, actions, end in begun.values_list(
        "user_id", "group_id", f"{kind}_id", "role__permissions", "ends_at"
    ):
        yield _subject(user_id, group_id), target, actions, end


def _subject(user_id: int | None, group_id: int | None) -> Subject:
    if user_id is not None:
        return Subject("user", user_id)
    assert group_id is not None
    return Subject("group", group_id)


def _permissions(model: Any) -> dict[str, int]:
    """Return the key of each permission on the model, by action."""
    names = {f"{action}_{model._meta.model_name}": action for action in ACTIONS}
    found = Permission.objects.filter(
        codename__in=names,
        content_type__app_label=model._meta.app_label,
        content_type__model=model._meta.model_name,
    )
    return {names[codename]: pk for pk, codename in found.values_list("pk", "codename")}

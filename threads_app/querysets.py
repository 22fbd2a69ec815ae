"""Chainable filters of the thread domain."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self

from django.db.models import BooleanField, Exists, F, Func, OuterRef, Q
from django.db.models.functions import Now

from threadhub.kernel.rbac.querysets import Action, ModelT, ProtectedQuerySet

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from threads_app.models import Assistant, Interrupt, Run, Thread  # noqa: F401  # quoted below

Path = tuple[str, ...]


def _leaves(wanted: Mapping[str, Any], above: Path = ()) -> Iterator[tuple[Path, Any]]:
    for key, value in wanted.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, (*above, key))
        else:
            yield (*above, key), value


class HasValue(Func):
    """Whether a JSON column has this value at the end of these keys.

    Django's own lookups take digits for positions and, on SQLite, texts for numbers. Keys
    and values are parameters of the statement, never text in it.
    """

    output_field = BooleanField()

    def __init__(self, column: str, path: Path, value: Any) -> None:
        super().__init__(F(column))
        self._path = path
        self._value = value

    def as_postgresql(self, compiler: Any, connection: Any, **_: Any) -> tuple[str, list[Any]]:
        """Return a comparison of jsonb values; an empty object is found in any object."""
        column, parameters = compiler.compile(self.source_expressions[0])
        place = f"({column} #> %s::text[])"
        parameters = [*parameters, list(self._path)]
        if self._value == {}:
            return f"(jsonb_typeof{place} = 'object')", parameters
        return f"({place} = %s::jsonb)", [*parameters, json.dumps(self._value)]

    def as_sqlite(self, compiler: Any, connection: Any, **_: Any) -> Any:
        """Return a walk down the keys; their text is compared, not made part of a JSON path."""
        source, parameters = compiler.compile(self.source_expressions[0])
        tables, conditions = [], []
        for level in range(len(self._path)):
            tables.append(f"json_each({source}) AS e{level}")
            conditions.append(f"e{level}.key = %s")
            source = f"CASE e{level}.type WHEN 'object' THEN e{level}.value ELSE '{{}}' END"
        condition, compared = _sqlite_condition(f"e{len(self._path) - 1}", self._value)
        where = " AND ".join([*conditions, condition])
        sql = f"EXISTS (SELECT 1 FROM {', '.join(tables)} WHERE {where})"  # noqa: S608
        return sql, [*parameters, *self._path, *compared]


def _sqlite_condition(entry: str, value: Any) -> tuple[str, list[Any]]:
    """Return how an entry of json_each is compared with a JSON value."""
    if value is None or isinstance(value, bool) or value == {}:
        kind = "object" if value == {} else json.dumps(value)
        return f"{entry}.type = '{kind}'", []
    if isinstance(value, str):
        return f"{entry}.type = 'text' AND {entry}.value = %s", [value]
    if isinstance(value, list):
        return f"{entry}.type = 'array' AND json({entry}.value) = json(%s)", [json.dumps(value)]
    number = f"{entry}.value = json_extract(%s, '$')"
    return f"{entry}.type IN ('integer', 'real') AND {number}", [json.dumps(value)]


class SearchableQuerySet(ProtectedQuerySet[ModelT]):
    """Filters for what has an owner and metadata."""

    owner_path = "owner"

    def with_metadata(self, wanted: Mapping[str, Any]) -> Self:
        """Return the rows whose metadata has all of this; objects may have more keys."""
        return self.filter(*(HasValue("metadata", path, value) for path, value in _leaves(wanted)))


class ThreadQuerySet(SearchableQuerySet["Thread"]):
    """Filters for threads."""

    def left_over(self, *, before: datetime) -> Self:
        """Return the temporary threads on which nothing happened since, nor is to happen."""
        runs = self.model._meta.get_field("runs").related_model._default_manager
        active = runs.filter(thread=OuterRef("pk"), status__in=["pending", "running"])
        return self.filter(~Exists(active), is_temporary=True, updated_at__lt=before)


class RunQuerySet(ProtectedQuerySet["Run"]):
    """Filters for runs; a run is as visible as its thread."""

    owner_path = "thread__owner"

    def active(self) -> Self:
        """Return the runs that are pending or running."""
        return self.filter(status__in=["pending", "running"])

    def with_shown_status(self, status: str) -> Self:
        """Return the runs that LangGraph's clients see in this status."""
        if status == "interrupted":
            return self.filter(status__in=["interrupted", "cancelled"])
        return self.filter(status=status)

    def due(self) -> Self:
        """Return the pending runs that a worker may claim now, by the database's clock."""
        return self.filter(status="pending").filter(Q(due_at=None) | Q(due_at__lte=Now()))

    def claimable(self) -> Self:
        """Return the due runs whose thread executes no other run."""
        running = self.model._default_manager.filter(thread=OuterRef("thread"), status="running")
        return self.due().filter(~Exists(running))

    def forgotten(self, *, after: timedelta) -> Self:
        """Return the claimable runs whose hint was never sent, or sent so long ago."""
        return self.claimable().filter(Q(dispatched_at=None) | Q(dispatched_at__lte=Now() - after))

    def unheeded(self, *, after: timedelta) -> Self:
        """Return the claimable runs that have been due for so long, whatever was hinted."""
        is_due = Q(due_at=None) | Q(due_at__lte=Now() - after)
        return self.claimable().filter(is_due, updated_at__lte=Now() - after)

    def abandoned(self) -> Self:
        """Return the running runs whose lease has ended, by the database's clock."""
        return self.filter(status="running", lease_until__lt=Now())


class AssistantQuerySet(SearchableQuerySet["Assistant"]):
    """Filters for assistants; the default ones of the graphs are everybody's to use."""

    def visible_to(self, user: Any, action: Action = "view") -> Self:
        """Return the assistants on which the person holds the permission."""
        own = super().visible_to(user, action)
        if action not in {"view", "read", "execute"} or not user.is_active:
            return own
        return own | self.filter(owner=None)


class InterruptQuerySet(ProtectedQuerySet["Interrupt"]):
    """Filters for interrupts; an interrupt is as visible as its thread."""

    owner_path = "thread__owner"

    def open(self) -> Self:
        """Return the questions that wait for an answer."""
        return self.filter(status="open")

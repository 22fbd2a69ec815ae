"""Chainable filters of the thread domain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from django.db.models import BooleanField, Exists, F, Func, OuterRef, Q
from django.db.models.functions import Now

from threadhub.kernel.rbac.querysets import Action, ModelT, ProtectedQuerySet
from threadhub.kernel.searching import has_metadata

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from threadhub.kernel.rbac.held import Held
    from threads_app.models import Assistant, Interrupt, Run, Thread  # noqa: F401  # quoted below

# Longer conditions make statements that databases refuse.
METADATA_SEARCH_LENGTH = 2000


class SearchableQuerySet(ProtectedQuerySet[ModelT]):
    """Filters for what has an owner and metadata."""

    def with_metadata(self, wanted: Mapping[str, Any]) -> Self:
        """Return the rows whose metadata has all of this; objects may have more keys."""
        return self.filter(*has_metadata(wanted))


class ThreadQuerySet(SearchableQuerySet["Thread"]):
    """Filters for threads."""

    def matching(self, wanted: Mapping[str, Any]) -> Self:
        """Return the threads that have all of `ids`, `status` and `metadata` that is given."""
        found = self
        if wanted.get("ids") is not None:
            found = found.filter(public_id__in=wanted["ids"])
        if wanted.get("status"):
            found = found.filter(status=wanted["status"])
        if wanted.get("metadata"):
            found = found.with_metadata(wanted["metadata"])
        return found

    def left_over(self, *, before: datetime) -> Self:
        """Return the temporary threads on which nothing happened since, nor is to happen."""
        runs = self.model._meta.get_field("runs").related_model._default_manager
        active = runs.filter(thread=OuterRef("pk"), status__in=["pending", "running"])
        return self.filter(~Exists(active), is_temporary=True, updated_at__lt=before)


def _in_line() -> Func:
    """Match pending and running runs in the very words of their index.

    SQLite uses an index of some rows only where the statement says the same, without parameters.
    """
    template = "(%(expressions)s IN ('pending', 'running'))"
    return Func(F("status"), template=template, output_field=BooleanField())


class RunQuerySet(ProtectedQuerySet["Run"]):
    """Filters for runs; a run is as visible as its thread."""

    belongs_to = "thread"

    def active(self) -> Self:
        """Return the runs that are pending or running."""
        return self.filter(_in_line())

    def with_shown_status(self, status: str) -> Self:
        """Return the runs that LangGraph's clients see in this status."""
        if status == "interrupted":
            return self.filter(status__in=["interrupted", "cancelled"])
        return self.filter(status=status)

    def due(self) -> Self:
        """Return the pending runs that a worker may claim now, by the database's clock."""
        pending = self.active().filter(status="pending")
        return pending.filter(Q(due_at=None) | Q(due_at__lte=Now()))

    def claimable(self) -> Self:
        """Return the due runs whose thread executes no other run."""
        running = self.model._default_manager.filter(thread=OuterRef("thread"), status="running")
        return self.due().filter(~Exists(running))

    def unheeded(self, *, after: timedelta) -> Self:
        """Return the claimable runs that have been due for so long, whatever was hinted."""
        is_due = Q(due_at=None) | Q(due_at__lte=Now() - after)
        return self.claimable().filter(is_due, updated_at__lte=Now() - after)

    def abandoned(self) -> Self:
        """Return the running runs whose lease has ended, by the database's clock."""
        return self.active().filter(status="running", lease_until__lt=Now())


class AssistantQuerySet(SearchableQuerySet["Assistant"]):
    """Filters for assistants; the default ones of the graphs are everybody's to use."""

    def _reached(self, user: Any, action: Action, held: Held) -> Q:
        own = super()._reached(user, action, held)
        return own | Q(owner=None) if action in {"view", "read", "execute"} else own


class InterruptQuerySet(ProtectedQuerySet["Interrupt"]):
    """Filters for interrupts; an interrupt is as visible as its thread."""

    belongs_to = "thread"

    def open(self) -> Self:
        """Return the questions that wait for an answer."""
        return self.filter(status="open")

"""Chainable filters of the thread domain."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self

from django.db.models import Exists, OuterRef, Q
from django.db.models.fields.json import KeyTransform, KeyTransformExact
from django.db.models.functions import Now

from threadhub.kernel.rbac.querysets import ProtectedQuerySet

if TYPE_CHECKING:
    from threads_app.models import Interrupt, Run, Thread


class ThreadQuerySet(ProtectedQuerySet["Thread"]):
    """Filters for threads."""

    owner_path = "owner"

    def with_metadata(self, wanted: Mapping[str, Any]) -> Self:
        """Return the threads whose metadata has each of these top-level keys and values."""
        found = self
        for name, value in wanted.items():
            # The key is a bound parameter of the transform, never text in the statement.
            at_key = KeyTransform(name, "metadata")
            found = found.filter(KeyTransformExact(at_key, value))
        return found


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
        return self.claimable().filter(
            Q(dispatched_at=None) | Q(dispatched_at__lte=Now() - after)
        )

    def abandoned(self) -> Self:
        """Return the running runs whose lease has ended, by the database's clock."""
        return self.filter(status="running", lease_until__lt=Now())


class InterruptQuerySet(ProtectedQuerySet["Interrupt"]):
    """Filters for interrupts; an interrupt is as visible as its thread."""

    owner_path = "thread__owner"

    def open(self) -> Self:
        """Return the questions that wait for an answer."""
        return self.filter(status="open")

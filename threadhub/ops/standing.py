"""How the parts of the installation stand, as far as this process knows it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.db.models import Count, Q
from django.db.models.functions import Now
from django.utils.translation import gettext, ngettext

from threadhub.kernel.events.models import OutboxEvent
from threads_app.models import Run

UP, LATE, UNKNOWN = "up", "late", "unknown"
# An event that waits longer than this for its subscribers waits for a repair, not for its turn.
OVERDUE = timedelta(seconds=30)
COUNTED = 100


@dataclass(frozen=True, slots=True)
class Fact:
    """One part: its name, what is known of it in words, and whether that is well."""

    name: str
    told: str
    state: str


def facts(*, now: datetime) -> list[Fact]:
    """Return what is known; what nobody looked at is called unknown. 4 queries."""
    return [
        Fact(gettext("Web"), gettext("Answers this page"), UP),
        _workers(),
        _broker(),
        _database(),
        _events(now),
    ]


def _is_alone() -> bool:
    """Return whether the workers are threads of this process."""
    return str(settings.CELERY_BROKER_URL).startswith("memory:")


def _workers() -> Fact:
    late = Run.objects.unheeded(after=timedelta(seconds=settings.LEASE_SECONDS))
    waiting = late.order_by().values("pk")[:COUNTED].count()
    if waiting:
        words = ngettext("%d run waits to be taken", "%d runs wait to be taken", waiting)
        return Fact(gettext("Workers"), words % waiting, LATE)
    held = Q(status="running", lease_until__gt=Now())
    busy = Run.objects.active().filter(held).aggregate(count=Count("owner", distinct=True))["count"]
    if busy:
        return Fact(gettext("Workers"), ngettext("%d at work", "%d at work", busy) % busy, UP)
    # Idle workers elsewhere leave no trace; those of this process are here as long as it is.
    return Fact(gettext("Workers"), gettext("Nothing to do"), UP if _is_alone() else UNKNOWN)


def _broker() -> Fact:
    if _is_alone():
        return Fact(gettext("Broker"), gettext("In this process"), UP)
    return Fact(gettext("Broker"), gettext("Not asked by this page"), UNKNOWN)


def _database() -> Fact:
    began = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()
    taken = (time.perf_counter() - began) * 1000
    told = gettext("%(name)s, answers in %(time).2f ms")
    return Fact(gettext("Database"), told % {"name": connection.display_name, "time": taken}, UP)


def _events(now: datetime) -> Fact:
    late = OutboxEvent.objects.filter(due_at__lt=now - OVERDUE).values("pk")[:COUNTED].count()
    if late:
        words = ngettext("%d event is late", "%d events are late", late)
        return Fact(gettext("Events"), words % late, LATE)
    return Fact(gettext("Events"), gettext("None is late"), UP)

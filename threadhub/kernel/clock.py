"""The process clock; leases and deadlines use the database clock instead."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone


def now() -> datetime:
    """Return the current time, aware, in UTC. Read once at the edge and handed down."""
    return timezone.now()

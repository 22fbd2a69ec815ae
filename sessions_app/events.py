"""What happens to sessions, told to the floors above."""

from __future__ import annotations

from dataclasses import dataclass

from threadhub.kernel import events


@events.declare("sessions.plan_started")
@dataclass(frozen=True, slots=True)
class PlanStarted:
    """A plan waits for its first threads to be started."""

    plan_id: int

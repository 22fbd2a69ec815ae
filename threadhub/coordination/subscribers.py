"""What sessions and their plans do about events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sessions_app.events import PlanStarted
from sessions_app.models import Plan, PlanNode, SessionThreadAssociation
from threadhub.coordination import coordinator, statuses
from threadhub.kernel import events

# Workers are told of a run before plans are: whoever subscribes first is called first.
from threads_app import subscribers as subscribers
from threads_app.events import RunFinished, RunRequested, StateChanged

if TYPE_CHECKING:
    from sessions_app.querysets import AssociationQuerySet


@events.subscribe(PlanStarted)
def begin_plan(event: PlanStarted) -> None:
    """Start the plan's first threads."""
    coordinator.advance(plan_id=event.plan_id)


@events.subscribe(RunRequested)
def follow_answer(event: RunRequested) -> None:
    """Let a node that waits follow the new run, and say that the session is at work.

    Runs that a plan starts wait for nobody, so a plan is not advanced from inside itself.
    """
    waiting = PlanNode.objects.filter(
        plan__status=Plan.Status.RUNNING, association__thread__runs=event.run_id, status="waiting"
    )
    for plan_id in list(waiting.values_list("plan_id", flat=True)):
        coordinator.advance(plan_id=plan_id)
    _refresh(SessionThreadAssociation.objects.filter(thread__runs=event.run_id))


@events.subscribe(RunFinished)
def follow_end(event: RunFinished) -> None:
    """Bring the plans forward that wait for the thread."""
    followed = PlanNode.objects.filter(
        plan__status=Plan.Status.RUNNING, association__thread=event.thread_id
    )
    for plan_id in list(followed.unended().values_list("plan_id", flat=True)):
        coordinator.advance(plan_id=plan_id)
    _refresh(SessionThreadAssociation.objects.filter(thread=event.thread_id))


@events.subscribe(StateChanged)
def look_again(event: StateChanged) -> None:
    """See whether the session still waits."""
    _refresh(SessionThreadAssociation.objects.filter(thread=event.thread_id))


def _refresh(members: AssociationQuerySet) -> None:
    for session_id in list(members.active().values_list("session_id", flat=True)):
        statuses.refresh(session_id=session_id)

"""Moves the nodes of a plan on: each by compare-and-set, told and recorded in its act."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from django.db import InterfaceError, OperationalError
from django.db.models.functions import Now

from sessions_app.models import Plan, PlanNode, Session
from sessions_app.models.plan import NODE_TRANSITIONS
from sessions_app.services import sessions
from threadhub.coordination.pictures import name_of
from threadhub.kernel import acts
from threadhub.kernel.errors import ThreadHubError, Unavailable
from threadhub.kernel.models import clean_text
from threadhub.kernel.streams.log import Item

if TYPE_CHECKING:
    from threads_app.models import Run

# Another time may do: the tick comes back.
AWAY = (Unavailable, OperationalError, InterfaceError)
UNKNOWN = "Something went wrong inside ThreadHub; its log says what."

logger = logging.getLogger(__name__)


def message(error: Exception) -> str:
    """Return what a person is told of an error; one that nobody expected goes to the log."""
    if isinstance(error, ThreadHubError):
        return error.message
    logger.error("A thread of a plan could not be dealt with.", exc_info=error)
    return UNKNOWN


def key_of(plan: Plan, node: PlanNode) -> str:
    """Return the idempotency key of the run that the plan starts on the node's thread."""
    return f"plan:{plan.public_id}:{name_of(node)}"


def change(node: PlanNode, status: str, *, run: Run | None = None, **values: Any) -> bool:
    """Move a node on in an act of its own; False when another was faster."""
    with acts.act(f"node.{status}") as act:
        session = sessions.locked(node.plan.session_id)
        return move(act, session, node, status, run=run, **values)


def move(
    act: acts.Act,
    session: Session,
    node: PlanNode,
    status: str,
    *,
    run: Run | None = None,
    **values: Any,
) -> bool:
    """Move a node on inside the act that has locked the session; False when another was faster."""
    assert status in NODE_TRANSITIONS[node.status], (node.status, status)
    values["reason"] = clean_text(str(values.get("reason", "")))[:500]
    if run is not None:
        values["run"] = run
    if not NODE_TRANSITIONS[status]:
        values["finished_at"] = Now()
    mine = PlanNode.objects.filter(pk=node.pk, status=node.status, run=node.run_id)
    if not mine.update(status=status, **values):
        return False
    told = {"reason": values["reason"], "blocked_by": values.get("blocked_by", [])}
    tell(act, session, node, status, run=run, **told)
    return True


def tell(
    act: acts.Act, session: Session, node: PlanNode, status: str, *, run: Run | None, **told: Any
) -> None:
    """Put what became of a node into the session's stream and the audit."""
    shown = {
        "plan_id": str(node.plan.public_id),
        "name": name_of(node),
        "thread_id": node.association.thread.public_id,
        "run_id": str(run.public_id) if run else None,
        "status": str(status),
        **{name: value for name, value in told.items() if value},
    }
    act.append(session.stream_id, Item(f"node.{status}", shown))
    act.record(node.plan, outcome=str(status), data={"name": name_of(node), **told})

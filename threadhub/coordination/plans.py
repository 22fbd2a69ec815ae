"""Start and cancel plans."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sessions_app.events import PlanStarted
from sessions_app.models import Dependency, Plan, PlanNode, Session, SessionThreadAssociation
from sessions_app.services import sessions
from threadhub.coordination import statuses, topology
from threadhub.kernel import acts
from threadhub.kernel.errors import Conflict, Invalid, NotVisible
from threadhub.kernel.ids import new_id
from threadhub.kernel.streams.log import Item
from threads_app.services import runs

WORK = SessionThreadAssociation.Type.WORK


class PlanRuns(Conflict):
    """A plan of the session is running; the message names it."""

    code = "plan_runs"


class PlanEnded(Conflict):
    """The plan has come to its end already."""

    code = "plan_ended"


class NothingToRun(Invalid):
    """The session has no active thread that works."""

    code = "nothing_to_run"


def start(*, session: Session, actor: Any, now: datetime, key: str | None = None) -> Plan:
    """Start a plan with the session's policy and limit of now; its threads start right after.

    The same idempotency key returns the plan that exists. Raises PlanRuns, SessionArchived,
    NothingToRun.
    """
    with acts.act("plan.start") as act:
        return begin(act, session=sessions.locked(session.pk), actor=actor, now=now, key=key)


def begin(
    act: acts.Act, *, session: Session, actor: Any, now: datetime, key: str | None = None
) -> Plan:
    """Insert a plan inside the act that has locked the session; see `start`."""
    known = Plan.objects.filter(session=session, actor=actor, idempotency_key=key)
    if key is not None and (plan := known.first()) is not None:
        return plan
    sessions.demand_open(session)
    demand_no_plan(session)
    plan = Plan.objects.create(
        public_id=new_id(),
        session=session,
        actor=actor,
        policy=session.policy,
        parallel_limit=session.parallel_limit,
        idempotency_key=key,
        created_at=now,
        updated_at=now,
    )
    nodes = _insert_nodes(plan)
    session.updated_at = now
    session.save(update_fields=["updated_at"])
    shown = {"nodes": [{"name": name, "level": level} for name, level in nodes]}
    act.append(session.stream_id, Item("plan.started", {**described(plan), **shown}))
    act.record(plan, act="plan.start", data={"session_id": str(session.public_id)})
    act.publish(PlanStarted(plan_id=plan.pk))
    return plan


def _insert_nodes(plan: Plan) -> list[tuple[str, int]]:
    """Insert a node for each active thread that works; return their names and levels."""
    members = SessionThreadAssociation.objects.active().filter(session=plan.session_id, type=WORK)
    names = dict(members.order_by("thread_name").values_list("pk", "thread_name"))
    if not names:
        raise NothingToRun("This session has no thread to run. Add one first.")
    levels = topology.levels(names, edges_among(plan.session_id, names))
    PlanNode.objects.bulk_create(
        PlanNode(plan=plan, association_id=key, level=level) for key, level in levels.items()
    )
    return sorted(((names[key], level) for key, level in levels.items()), key=lambda pair: pair[1])


def edges_among(session_id: int, members: Iterable[int]) -> list[tuple[int, int]]:
    """Return the session's dependencies between these members, upstream first."""
    known = set(members)
    edges = Dependency.objects.filter(session=session_id)
    pairs = edges.values_list("upstream_id", "downstream_id")
    return [pair for pair in pairs if known.issuperset(pair)]


def demand_no_plan(session: Session) -> None:
    """Raise PlanRuns, naming the plan, while one is running."""
    running = Plan.objects.running().filter(session=session).first()
    if running is not None:
        raise PlanRuns(
            f"The plan {running.public_id} of this session is running. "
            "Wait for its end, or cancel it."
        )


def in_session(config: Mapping[str, Any], session: Session) -> dict[str, Any]:
    """Return the configuration with the session's id, by which a graph finds its companions."""
    configurable = {**config.get("configurable", {}), "session_id": str(session.public_id)}
    return {**config, "configurable": configurable}


def described(plan: Plan) -> dict[str, Any]:
    """Return what events tell of a plan."""
    return {
        "plan_id": str(plan.public_id),
        "status": str(plan.status),
        "policy": plan.policy,
        "parallel_limit": plan.parallel_limit,
    }


def cancel(*, plan: Plan, actor: Any, now: datetime) -> Plan:
    """Cancel a plan: nothing more is started, and what runs is asked to stop.

    Raises PlanEnded.
    """
    with acts.act("plan.cancel") as act:
        session = sessions.locked(plan.session_id)
        mine = Plan.objects.running().filter(pk=plan.pk)
        if not mine.update(status=Plan.Status.CANCELLED, updated_at=now, finished_at=now):
            raise PlanEnded("This plan has ended already.")
        plan.refresh_from_db()
        nodes = PlanNode.objects.filter(plan=plan).unended()
        working = nodes.filter(status=PlanNode.Status.RUNNING).select_related("run")
        # Threads are locked in the order of their keys, and all of them before any stream.
        for node in working.order_by("association__thread_id"):
            _stop(act, node, actor=actor, now=now)
        names = list(nodes.values_list("association__thread_name", flat=True))
        reason = f"{actor.get_username()} canceled the plan"
        nodes.update(status=PlanNode.Status.CANCELLED, finished_at=now, reason=reason)
        shown = {**described(plan), "nodes": sorted(names), "reason": reason}
        act.append(session.stream_id, Item("plan.cancelled", shown))
        act.record(plan, data={"session_id": str(session.public_id)})
        statuses.write(act, session)
    return plan


def _stop(act: acts.Act, node: PlanNode, *, actor: Any, now: datetime) -> None:
    if node.run is None:
        return
    # It may have ended a moment ago; then there is nothing to stop.
    with contextlib.suppress(NotVisible):
        runs.stop(act, run=node.run, actor=actor, now=now)

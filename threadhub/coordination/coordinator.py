"""Runs plans: follows their runs, starts what is ready, blocks what never will be, ends them.

`advance` looks at the rows and does what they call for, so it does not matter who calls it,
how often, or what was killed in between. Every change is an act of its own that holds the
session's lock; a thread's node and its run are written together, so a thread is started once
for each need. Outputs are read and graphs are asked outside of transactions.
"""

from __future__ import annotations

from typing import Any

from django.db.models.functions import Now

from sessions_app.models import Dependency, Plan, PlanNode
from sessions_app.querysets import ENDED
from sessions_app.services import sessions
from threadhub.coordination import mapping, pictures, plans, statuses
from threadhub.coordination.blueprints import DATA_FLOW, own_input
from threadhub.coordination.following import follow_all
from threadhub.coordination.mapping import DataMissing, Flow
from threadhub.coordination.nodes import AWAY, change, key_of, message, move, tell
from threadhub.coordination.pictures import Picture, name_of
from threadhub.kernel import acts, audit, clock
from threadhub.kernel.errors import Invalid, NotAllowed, NotVisible, ThreadHubError
from threadhub.kernel.rbac import access
from threadhub.kernel.streams.log import Item
from threads_app.models import Assistant, Thread
from threads_app.selectors import assistants
from threads_app.services import answers, runs
from threads_app.services.runs import Asked, RunOrder

Status = PlanNode.Status
FAILED = frozenset({Status.ERROR, Status.BLOCKED, Status.CANCELLED})
# As the API does for a run whose client names none.
OPTIONS = {"stream_modes": ["values"]}


def advance(*, plan_id: int) -> None:
    """Bring a plan forward as far as its runs allow now; harmless at any time."""
    found = Plan.objects.running().select_related("actor", "session").filter(pk=plan_id).first()
    if found is None:
        return
    person = audit.Actor(found.actor_id, found.actor.get_username(), None, "coordinator")
    with audit.acting_as(person):
        while _step(pictures.of(found)):
            pass


def _step(picture: Picture) -> bool:
    """Do the first kind of thing that is to be done; say whether anything was."""
    return follow_all(picture) or _block_all(picture) or _start_all(picture) or _finish(picture)


# Block: what cannot start any more


def _block_all(picture: Picture) -> bool:
    """Block all of them in one act: after a failure they may be a thousand."""
    blocked = _blocked(picture)
    if not blocked:
        return False
    with acts.act("node.blocked") as act:
        session = sessions.locked(picture.plan.session_id)
        moved = [
            move(act, session, node, Status.BLOCKED, reason=reason, blocked_by=names)
            for node, reason, names in blocked
        ]
    return any(moved)


def _blocked(picture: Picture) -> list[tuple[PlanNode, str, list[str]]]:
    """Return the nodes that cannot start, with the reason and the names of what keeps them back.

    A strict plan ends at once; else it goes from level to level, with those blocked on the way.
    """
    is_strict = picture.plan.policy == "strict"
    failed = {node.pk: node for node in picture.in_status(*FAILED)}
    # A blocked node only follows from another's failure.
    roots = [node for node in failed.values() if node.status != Status.BLOCKED]
    stopped = (roots or [*failed.values()]) if is_strict else []
    found = []
    for node in picture.in_status(Status.PENDING):
        above = sorted((a for a in picture.above(node) if a.pk in failed), key=name_of)
        if above:
            reason = f"{name_of(above[0])} {_said(above[0])}"
        elif stopped:
            reason = f"stopped after {name_of(stopped[0])} {_said(stopped[0])}"
        else:
            continue
        found.append((node, reason, sorted(map(name_of, above or stopped))))
        if not is_strict:
            failed[node.pk] = node
    return found


def _said(node: PlanNode) -> str:
    return {"error": "failed", "cancelled": "was canceled"}.get(node.status, "was blocked")


# Start: what is ready, up to the limit


def _start_all(picture: Picture) -> bool:
    free = picture.plan.parallel_limit - len(picture.in_status(Status.RUNNING))
    ready = [
        node
        for node in picture.in_status(Status.PENDING)
        if all(above.status == Status.SUCCESS for above in picture.above(node))
    ]
    started = [_start(picture, node) for node in ready[: max(free, 0)]]
    return any(started)


def _start(picture: Picture, node: PlanNode) -> bool:
    """Start a node's run, or block the node and say why it cannot start."""
    plan = picture.plan
    try:
        assistant, order = _prepared(picture, node)
        return _claim(plan, node, assistant, order)
    except AWAY:
        raise
    except Exception as error:  # noqa: BLE001  # raised, it would hold up the plan for ever
        names = [error.upstream] if isinstance(error, DataMissing) else []
        return change(node, Status.BLOCKED, reason=message(error), blocked_by=names)


def _prepared(picture: Picture, node: PlanNode) -> tuple[Assistant, RunOrder]:
    """Return what to order of whom. Raises what says why that is impossible."""
    plan, member = picture.plan, node.association
    member.refresh_from_db(fields=pictures.ORDERED)
    assistant = assistants.resolve(str(member.assistant_id), user=plan.actor)
    order = RunOrder(
        input=_input(picture, node),
        config=plans.in_session(member.config, plan.session),
        context=member.context,
        metadata=_labels(plan, node),
        options=OPTIONS,
        idempotency_key=key_of(plan, node),
    ).over(assistant)
    try:
        runs.check(order, assistant.graph)
    except (ThreadHubError, *AWAY):
        raise
    except Exception as error:
        # A schema's own validators are the project's code: anything comes.
        said = f"The input schema of {assistant.graph} failed with {type(error).__name__}."
        raise Invalid(said) from error
    return assistant, order


def _input(picture: Picture, node: PlanNode) -> Any:
    own = own_input(node.association.input)
    above = picture.needs[node.association_id]
    edges = Dependency.objects.filter(downstream=node.association_id, upstream__in=above)
    flows = [_flow(picture, edge) for edge in edges.filter(kind=DATA_FLOW)]
    return mapping.merged(own, flows) if flows else own


def _flow(picture: Picture, edge: Dependency) -> Flow:
    upstream = picture.nodes[edge.upstream_id]
    try:
        output = answers.output(run_id=upstream.run_id or 0)
    except AWAY:
        raise
    except ThreadHubError as error:
        said = f"The output of {name_of(upstream)} cannot be read: {error.message}"
        raise DataMissing(said, upstream=name_of(upstream)) from error
    return Flow(name_of(upstream), output, edge.mapping)


def _claim(plan: Plan, node: PlanNode, assistant: Assistant, order: RunOrder) -> bool:
    """Write the run and the node that has it in one act, unless another did or the plan ended."""
    with acts.act("node.running") as act:
        session = sessions.locked(plan.session_id)
        mine = PlanNode.objects.filter(plan=plan, plan__status=Plan.Status.RUNNING)
        is_mine = mine.filter(pk=node.pk, status=Status.PENDING).exists()
        if not is_mine or mine.filter(status=Status.RUNNING).count() >= plan.parallel_limit:
            return False
        run = runs.accept(
            act,
            thread=_executable(plan, node),
            asked=Asked.of(assistant),
            actor=plan.actor,
            order=order,
            now=clock.now(),
        )
        PlanNode.objects.filter(pk=node.pk).update(status=Status.RUNNING, run=run, started_at=Now())
        tell(act, session, node, Status.RUNNING, run=run)
    return True


def _executable(plan: Plan, node: PlanNode) -> Thread:
    """Return the node's thread. Raises NotAllowed when the plan's person may not run it now."""
    key = node.association.thread_id
    try:
        return access.get(Thread.objects.all(), user=plan.actor, action="execute", pk=key)
    except (NotVisible, NotAllowed):
        name = plan.actor.get_username()
        raise NotAllowed(f"{name} may not run the thread of {name_of(node)} any more.") from None


def _labels(plan: Plan, node: PlanNode) -> dict[str, Any]:
    session_id = str(plan.session.public_id)
    return {
        "session_id": session_id,
        "plan_id": str(plan.public_id),
        "thread_name": name_of(node),
    }


# Finish: nothing is left to do


def _finish(picture: Picture) -> bool:
    """End the plan once all its nodes have ended; nothing is left to do then."""
    plan = picture.plan
    if len(picture.in_status(*ENDED)) < len(picture.nodes):
        return False
    succeeded = len(picture.in_status(Status.SUCCESS)) == len(picture.nodes)
    status = Plan.Status.FINISHED if succeeded else Plan.Status.FAILED
    with acts.act("plan.finish") as act:
        session = sessions.locked(plan.session_id)
        mine = Plan.objects.running().filter(pk=plan.pk)
        if mine.update(status=status, updated_at=Now(), finished_at=Now()):
            plan.status = status
            act.append(session.stream_id, Item(f"plan.{status}", plans.described(plan)))
            act.record(plan, outcome=str(status))
            statuses.write(act, session)
    return False

"""Runs plans: follows their runs, starts what is ready, blocks what never will be, ends them.

`advance` looks at the rows and does what they call for, so it does not matter who calls it,
how often, or what was killed in between. Every change is an act of its own that holds the
session's lock; a thread's node and its run are written together, so a thread is started once
for each need. Outputs are read and graphs are asked outside of transactions.
"""

from __future__ import annotations

import logging
from typing import Any

from django.db import InterfaceError, OperationalError
from django.db.models.functions import Now

from sessions_app.models import Dependency, Plan, PlanNode, Session
from sessions_app.models.plan import NODE_TRANSITIONS
from sessions_app.querysets import ENDED
from sessions_app.services import sessions
from threadhub.coordination import mapping, pictures, plans, statuses
from threadhub.coordination.blueprints import DATA_FLOW, own_input
from threadhub.coordination.mapping import DataMissing, Flow
from threadhub.coordination.pictures import Picture, name_of
from threadhub.kernel import acts, audit, clock
from threadhub.kernel.errors import Invalid, NotAllowed, NotVisible, ThreadHubError, Unavailable
from threadhub.kernel.models import clean_text
from threadhub.kernel.rbac import access
from threadhub.kernel.streams.log import Item
from threads_app.models import Assistant, Interrupt, Run, Thread
from threads_app.selectors import assistants
from threads_app.services import answers, previews, runs
from threads_app.services.runs import Asked, RunOrder

Status = PlanNode.Status
FAILED = frozenset({Status.ERROR, Status.BLOCKED, Status.CANCELLED})
# As the API does for a run whose client names none.
OPTIONS = {"stream_modes": ["values"]}
# Another time may do: the tick comes back.
AWAY = (Unavailable, OperationalError, InterfaceError)
UNKNOWN = "Something went wrong inside ThreadHub; its log says what."

logger = logging.getLogger(__name__)


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
    return _follow_all(picture) or _block_all(picture) or _start_all(picture) or _finish(picture)


# Follow: what has become of the runs


def _follow_all(picture: Picture) -> bool:
    followed = [_follow(picture.plan, node) for node in picture.in_status(Status.RUNNING)]
    taken_up = [_take_up(picture.plan, node) for node in picture.in_status(Status.WAITING)]
    return any([*followed, *taken_up])


def _follow(plan: Plan, node: PlanNode) -> bool:
    """Give a node the outcome of its run, if that has ended."""
    run = Run.objects.filter(pk=node.run_id or 0).first()
    if run is None:
        if _asks(node):
            return _change(plan, node, Status.WAITING)
        return _change(plan, node, Status.CANCELLED, reason="its run was deleted")
    if not run.is_terminal:
        return False
    if run.status == Run.Status.SUCCESS:
        return _change(plan, node, Status.SUCCESS, run=run, output_preview=_preview(run))
    if run.status == Run.Status.INTERRUPTED or (_carries_answer(plan, node, run) and _asks(node)):
        return _change(plan, node, Status.WAITING, run=run)
    if run.status == Run.Status.CANCELLED:
        return _change(plan, node, Status.CANCELLED, run=run, reason="its run was canceled")
    reason = f"{run.error_class}: {run.error_message}"
    return _change(plan, node, Status.ERROR, run=run, reason=reason)


def _carries_answer(plan: Plan, node: PlanNode, run: Run) -> bool:
    """Say whether the run came after a question: if it failed, that may still be open."""
    return run.idempotency_key != _key(plan, node)


def _asks(node: PlanNode) -> bool:
    return Interrupt.objects.open().filter(thread=node.association.thread_id).exists()


def _take_up(plan: Plan, node: PlanNode) -> bool:
    """Let a waiting node follow the thread's next run: the answer, or what drops the question."""
    later = Run.objects.filter(thread=node.association.thread_id, pk__gt=node.run_id)
    following = later.order_by("id").first()
    return following is not None and _change(plan, node, Status.RUNNING, run=following)


def _preview(run: Run) -> Any:
    try:
        return previews.preview(answers.output(run_id=run.pk))
    except AWAY:
        raise
    except Exception as error:  # noqa: BLE001  # values are the project's: anything comes
        # The thread has done its work; whoever needs its output is told when it is needed.
        return {"__error__": {"error": type(error).__name__, "message": _message(error)}}


def _message(error: Exception) -> str:
    """Return what a person is told of an error; one that nobody expected goes to the log."""
    if isinstance(error, ThreadHubError):
        return error.message
    logger.error("A thread of a plan could not be dealt with.", exc_info=error)
    return UNKNOWN


# Block: what cannot start any more


def _block_all(picture: Picture) -> bool:
    blocked = [_block(picture, node) for node in picture.in_status(Status.PENDING)]
    return any(blocked)


def _block(picture: Picture, node: PlanNode) -> bool:
    failed = [above for above in picture.above(node) if above.status in FAILED]
    if failed:
        first = min(failed, key=name_of)
        reason = f"{name_of(first)} {_said(first.status)}"
    elif picture.plan.policy == "strict" and (failed := picture.in_status(*FAILED)):
        # A blocked node only follows from another's failure.
        failed = [other for other in failed if other.status != Status.BLOCKED] or failed
        reason = f"stopped after {name_of(failed[0])} {_said(failed[0].status)}"
    else:
        return False
    names = sorted(name_of(other) for other in failed)
    return _change(picture.plan, node, Status.BLOCKED, reason=reason, blocked_by=names)


def _said(status: str) -> str:
    return {"error": "failed", "blocked": "was blocked", "cancelled": "was canceled"}[status]


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
        return _change(plan, node, Status.BLOCKED, reason=_message(error), blocked_by=names)


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
        idempotency_key=_key(plan, node),
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
        _tell(act, session, node, Status.RUNNING, run=run)
    return True


def _executable(plan: Plan, node: PlanNode) -> Thread:
    """Return the node's thread. Raises NotAllowed when the plan's person may not run it now."""
    key = node.association.thread_id
    try:
        return access.get(Thread.objects.all(), user=plan.actor, action="execute", pk=key)
    except (NotVisible, NotAllowed):
        name = plan.actor.get_username()
        raise NotAllowed(f"{name} may not run the thread of {name_of(node)} any more.") from None


def _key(plan: Plan, node: PlanNode) -> str:
    return f"plan:{plan.public_id}:{name_of(node)}"


def _labels(plan: Plan, node: PlanNode) -> dict[str, Any]:
    session_id = str(plan.session.public_id)
    return {
        "session_id": session_id,
        "plan_id": str(plan.public_id),
        "thread_name": name_of(node),
    }


# Change: one node, one act


def _change(
    plan: Plan, node: PlanNode, status: str, *, run: Run | None = None, **values: Any
) -> bool:
    """Move a node on by compare-and-set, and tell; False when another was faster."""
    assert status in NODE_TRANSITIONS[node.status], (node.status, status)
    values["reason"] = clean_text(str(values.get("reason", "")))[:500]
    if run is not None:
        values["run"] = run
    if not NODE_TRANSITIONS[status]:
        values["finished_at"] = Now()
    with acts.act(f"node.{status}") as act:
        session = sessions.locked(plan.session_id)
        mine = PlanNode.objects.filter(pk=node.pk, status=node.status, run=node.run_id)
        if not mine.update(status=status, **values):
            return False
        told = {"reason": values["reason"], "blocked_by": values.get("blocked_by", [])}
        _tell(act, session, node, status, run=run, **told)
    return True


def _tell(
    act: acts.Act, session: Session, node: PlanNode, status: str, *, run: Run | None, **told: Any
) -> None:
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

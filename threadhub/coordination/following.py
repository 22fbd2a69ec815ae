"""Follows the runs of a plan: what has become of its threads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sessions_app.models import Plan, PlanNode
from threadhub.coordination.nodes import AWAY, change, key_of, message
from threads_app.models import Interrupt, Run
from threads_app.services import answers, previews

if TYPE_CHECKING:
    from collections.abc import Callable

    from threadhub.coordination.pictures import Picture

Status = PlanNode.Status


def follow_all(picture: Picture) -> bool:
    """Follow the runs that have ended, and those that came after; say whether there were any."""
    rows = PlanNode.objects.filter(plan=picture.plan).overtaken()
    overtaken = set(rows.values_list("pk", flat=True))
    found = [node for node in picture.in_status(*STEPS) if node.pk in overtaken]
    followed = [STEPS[node.status](picture.plan, node) for node in found]
    return any(followed)


def _follow(plan: Plan, node: PlanNode) -> bool:
    """Give a node the outcome of its run, if that has ended."""
    run = Run.objects.filter(pk=node.run_id or 0).first()
    if run is None:
        if _asks(node):
            return change(node, Status.WAITING)
        return change(node, Status.CANCELLED, reason="its run was deleted")
    if not run.is_terminal:
        return False
    if run.status == Run.Status.SUCCESS:
        return change(node, Status.SUCCESS, run=run, output_preview=_preview(run))
    if run.status == Run.Status.INTERRUPTED or (_carries_answer(plan, node, run) and _asks(node)):
        return change(node, Status.WAITING, run=run)
    if run.status == Run.Status.CANCELLED:
        return change(node, Status.CANCELLED, run=run, reason="its run was canceled")
    reason = f"{run.error_class}: {run.error_message}"
    return change(node, Status.ERROR, run=run, reason=reason)


def _carries_answer(plan: Plan, node: PlanNode, run: Run) -> bool:
    """Say whether the run came after a question: if it failed, that may still be open."""
    return run.idempotency_key != key_of(plan, node)


def _asks(node: PlanNode) -> bool:
    return Interrupt.objects.open().filter(thread=node.association.thread_id).exists()


def _take_up(_: Plan, node: PlanNode) -> bool:
    """Let a waiting node follow the thread's next run: the answer, or what drops the question."""
    later = Run.objects.filter(thread=node.association.thread_id, pk__gt=node.run_id)
    following = later.order_by("id").first()
    return following is not None and change(node, Status.RUNNING, run=following)


def _preview(run: Run) -> Any:
    try:
        return previews.preview(answers.output(run_id=run.pk))
    except AWAY:
        raise
    except Exception as error:  # noqa: BLE001  # values are the project's: anything comes
        # The thread has done its work; whoever needs its output is told when it is needed.
        return {"__error__": {"error": type(error).__name__, "message": message(error)}}


STEPS: dict[str, Callable[[Plan, PlanNode], bool]] = {
    Status.RUNNING: _follow,
    Status.WAITING: _take_up,
}

"""Ends a run: its outcome, the thread's row, the questions and the events in one transaction."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db.models import F
from django.db.models.functions import Now

from checkpoints_app.services import heads
from threadhub.kernel import acts, clock
from threadhub.kernel.streams.log import Item
from threads_app.events import RunFinished
from threads_app.models import Interrupt, Run, Thread
from threads_app.services import interrupts
from threads_app.services.previews import preview
from threads_app.services.threads import resting_status

if TYPE_CHECKING:
    from .leases import Lease
    from .questions import Question


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a run ended. `questions` is None when the state could not be looked at."""

    status: str
    error_kind: str = ""
    error_class: str = ""
    error_message: str = ""
    values: Any = None
    questions: tuple[Question, ...] | None = None
    usage: dict[str, int] = field(default_factory=dict)


def settle(lease: Lease, outcome: Outcome) -> bool:
    """Write the outcome unless the run is not ours any more; say whether it was."""
    with acts.act("run.finish") as act:
        thread = Thread.objects.select_for_update(no_key=True).filter(pk=lease.thread_id).first()
        mine = Run.objects.filter(pk=lease.run_id, status="running", fence=lease.fence)
        if thread is None or not mine.update(**_run_values(outcome)):
            return False
        run = Run.objects.get(pk=lease.run_id)
        heads.raise_fence(head_id=lease.head_id, held=False)
        _sync_questions(act, run, outcome)
        _settle_thread(thread, outcome)
        act.append(thread.stream_id, Item(f"run.{outcome.status}", _shown(run), run.public_id))
        act.publish(RunFinished(run.pk, thread.pk, outcome.status))
        act.record(run, outcome=outcome.status, data={"error": outcome.error_class or None})
    return True


def _run_values(outcome: Outcome) -> dict[str, Any]:
    return {
        "status": outcome.status,
        "owner": "",
        "lease_until": None,
        "error_kind": outcome.error_kind,
        "error_class": outcome.error_class[:200],
        "error_message": outcome.error_message,
        "usage": outcome.usage,
        "finished_at": Now(),
        "updated_at": Now(),
    }


def _shown(run: Run) -> dict[str, Any]:
    shown: dict[str, Any] = {"run_id": str(run.public_id), "status": run.status}
    if run.error_class:
        shown["error"] = {"error": run.error_class, "message": run.error_message}
    return shown


def _settle_thread(thread: Thread, outcome: Outcome) -> None:
    values: dict[str, Any] = {
        "status": resting_status(thread, outcome.status),
        "error": outcome.error_message[:500],
        "run_count": F("run_count") + 1,
        "updated_at": Now(),
    }
    if outcome.values is not None:
        values |= {"values_preview": preview(outcome.values), "state_updated_at": Now()}
    Thread.objects.filter(pk=thread.pk).update(**values)


def _sync_questions(act: acts.Act, run: Run, outcome: Outcome) -> None:
    """Make the open rows equal what the state asks."""
    if outcome.questions is None:
        interrupts.reopen(run=run, act=act, stream_id=run.thread.stream_id)
        return
    asked = {(q.interrupt_id, q.checkpoint_id): q for q in outcome.questions}
    for row in Interrupt.objects.open().filter(thread=run.thread_id):
        if asked.pop((row.interrupt_id, row.checkpoint_id), None) is None:
            Interrupt.objects.filter(pk=row.pk).update(status=Interrupt.Status.DROPPED)
            shown = {"interrupt_id": row.interrupt_id}
            act.append(run.thread.stream_id, Item("interrupt.dropped", shown, run.public_id))
    for question in asked.values():
        _ask(act, run, question)


def _ask(act: acts.Act, run: Run, question: Question) -> None:
    place: dict[str, Any] = {
        "thread_id": run.thread_id,
        "interrupt_id": question.interrupt_id,
        "checkpoint_id": question.checkpoint_id,
    }
    known = Interrupt.objects.filter(**place).first()
    if known is not None and question.answers > known.answered_before:
        # The answer has reached the graph; only the step after it has not.
        return
    values = {
        "run": run,
        "namespace": question.namespace,
        "task_id": question.task_id,
        "node": question.node,
        "value": question.value,
        "response_schema": question.response_schema,
        "answered_before": question.answers,
        "status": Interrupt.Status.OPEN,
        "answer": None,
        "answered_by": None,
        "answered_at": None,
        "answer_run": None,
        "created_at": clock.now(),
    }
    row, _ = Interrupt.objects.update_or_create(**place, defaults=values)
    shown = {"interrupt_id": row.interrupt_id, "node": row.node, "value": row.value}
    act.append(run.thread.stream_id, Item("interrupt.opened", shown, run.public_id))
    act.record(row, act="interrupt.open")

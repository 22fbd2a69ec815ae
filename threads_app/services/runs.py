"""Start and cancel runs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError
from django.db.models import Q
from django.db.models.functions import Now

from checkpoints_app.services import heads
from threadhub.kernel import acts
from threadhub.kernel.errors import Conflict, Invalid, NotVisible
from threadhub.kernel.ids import new_id
from threadhub.kernel.models import clean_metadata
from threadhub.kernel.streams.log import Item
from threads_app.events import RunCancelRequested, RunFinished, RunRequested
from threads_app.graphs import catalog
from threads_app.models import Assistant, Graph, Interrupt, Run, Thread
from threads_app.services import interrupts, threads

UNFINISHED = ("pending", "running")
# What an answer's run takes over from the run that asked.
_STREAMING = ("stream_modes", "stream_subgraphs")


class ThreadBusy(Conflict):
    """Another run is pending or running on the thread."""

    code = "thread_busy"


class ThreadNeeded(Invalid):
    """The order is about what a thread holds, and names none; LangGraph's server says 400."""

    status = 400
    code = "thread_needed"


class RunAsks(Conflict):
    """The run's question is open or its answer on its way; it would be lost with the run."""

    code = "run_asks"


class KeyReused(Invalid):
    """The idempotency key belongs to a different request."""

    code = "idempotency_key_reused"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOrder:
    """What a run is asked to do. `input` and `command` exclude each other."""

    input: Any = None
    command: Mapping[str, Any] | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    context: Mapping[str, Any] | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    # stream_modes, interrupt_before, interrupt_after, checkpoint
    options: Mapping[str, Any] = field(default_factory=dict)
    strategy: str = "enqueue"
    durability: str = "sync"
    after_seconds: float = 0
    idempotency_key: str | None = None
    digest: str = ""

    def over(self, assistant: Assistant) -> RunOrder:
        """Return the order with the assistant's configuration and context below its own."""
        return self.above(config=assistant.config, context=assistant.context)

    def above(self, *, config: Mapping[str, Any], context: Mapping[str, Any] | None) -> RunOrder:
        """Return the order with a configuration and a context below its own."""
        configurable = {**config.get("configurable", {}), **self.config.get("configurable", {})}
        config = {**config, **self.config}
        if configurable:
            config["configurable"] = configurable
        if self.context is None and not context:
            return replace(self, config=config)
        context = {**(context or {}), **(self.context or {})}
        return replace(self, config=config, context=context)


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom a run is asked of, at the version that is in force now."""

    graph: Graph
    assistant_id: UUID
    version: int

    @classmethod
    def of(cls, assistant: Assistant) -> Asked:
        """Return what names the assistant as it is now."""
        return cls(assistant.graph, assistant.public_id, assistant.version)


def start(
    *, thread: Thread, assistant: Assistant, actor: Any, order: RunOrder, now: datetime
) -> Run:
    """Accept a run: it will be executed, whatever happens to this process.

    The order's configuration and context are laid over the assistant's. Raises ThreadBusy
    (strategy `reject`), Invalid, NothingToAnswer, KeyReused. The same idempotency key with
    the same request returns the run that exists.
    """
    order = _continued(order, thread, assistant.graph)
    return _accepted(thread, Asked.of(assistant), actor, order.over(assistant), now)


def start_alone(
    *, assistant: Assistant, actor: Any, order: RunOrder, now: datetime, keep: bool
) -> Run:
    """Accept a run on a thread of its own, which goes after the run unless it is to be kept.

    Raises what `start` raises, and ThreadNeeded for what only makes sense on a known thread.
    """
    check(order, assistant.graph)
    if order.options.get("checkpoint") or (order.command or {}).get("resume") is not None:
        raise ThreadNeeded("A run that resumes or starts from a checkpoint needs its thread.")
    if (known := _known(actor, order)) is not None:
        return known
    thread = threads.create(actor=actor, now=now, is_temporary=not keep)
    return start(thread=thread, assistant=assistant, actor=actor, order=order, now=now)


def answer(
    *,
    question: Interrupt,
    answer: Any,
    actor: Any,
    now: datetime,
    idempotency_key: str | None = None,
) -> Run:
    """Answer a question once, with the configuration of the run that asked it.

    Raises NothingToAnswer naming who was first, AnswerUnfit. The same idempotency key with the
    same answer returns the run that carries it.
    """
    if question.status == Interrupt.Status.OPEN:
        interrupts.check_answer(question, answer)
    run = question.run
    order = RunOrder(
        idempotency_key=idempotency_key,
        digest=_digest(question, answer) if idempotency_key else "",
        command={"resume": {question.interrupt_id: answer}},
        config=run.config,
        context=run.context,
        metadata=run.metadata,
        options={key: run.options[key] for key in _STREAMING if key in run.options},
    )
    asked = Asked(run.graph, run.assistant_id, run.assistant_version)
    return _accepted(question.thread, asked, actor, order, now)


def _digest(question: Interrupt, answer: Any) -> str:
    text = json.dumps(["answer", question.pk, answer], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _accepted(thread: Thread, asked: Asked, actor: Any, order: RunOrder, now: datetime) -> Run:
    check(order, asked.graph)
    try:
        with acts.act("run.start") as act:
            return accept(act, thread=thread, asked=asked, actor=actor, order=order, now=now)
    except IntegrityError:
        # Two requests with one key on different threads met; the other one's run stands.
        if (known := _known(actor, order)) is not None:
            return known
        raise


def accept(
    act: acts.Act, *, thread: Thread, asked: Asked, actor: Any, order: RunOrder, now: datetime
) -> Run:
    """Insert a run inside the caller's act, which locks the thread; `check` comes before it.

    The order's configuration is the whole one: see `RunOrder.over`. Raises ThreadBusy,
    NothingToAnswer, KeyReused, NotVisible, and Conflict for a thread of another graph.
    """
    locked = threads.locked(thread.pk)
    if (known := _known(actor, order)) is not None:
        return known
    if order.strategy == "reject" and Run.objects.filter(thread=locked).active().exists():
        raise ThreadBusy("Another run is under way on this thread.")
    threads.bind(thread=locked, graph=asked.graph, assistant_id=asked.assistant_id, now=now)
    return _insert(act, thread=locked, asked=asked, actor=actor, order=order, now=now)


def _continued(order: RunOrder, thread: Thread, graph: Graph) -> RunOrder:
    """Give an answer without context or config those of the run that asked."""
    if not order.command or (order.context is not None and order.config):
        return order
    last = Run.objects.filter(thread=thread, graph=graph).order_by("-id").first()
    if last is None:
        return order
    context = last.context if order.context is None else order.context
    return replace(order, context=context, config=order.config or last.config)


def check(order: RunOrder, graph: Graph) -> None:
    """Raise Invalid for an order that the graph cannot take, whatever the thread."""
    if graph.status != Graph.Status.LOADED:
        raise Invalid(f"The graph {graph.name} cannot run: {graph.problem}", code="graph_failed")
    if order.command and order.input is not None:
        raise Invalid("A run takes either an input or a command.")
    if order.strategy not in {"enqueue", "reject"}:
        raise Invalid(
            f"multitask_strategy {order.strategy!r} is not available; use enqueue or reject.",
            fields={"multitask_strategy": ["Use enqueue or reject."]},
        )
    if order.input is not None:
        catalog.get(graph.name).check_input(order.input)
    if graph.description.get("has_context_schema"):
        catalog.get(graph.name).context(order.context, config=order.config)


def _known(actor: Any, order: RunOrder) -> Run | None:
    if order.idempotency_key is None:
        return None
    known = Run.objects.filter(actor=actor, idempotency_key=order.idempotency_key).first()
    if known is not None and known.request_digest != order.digest:
        raise KeyReused("This idempotency key was used for a different request.")
    return known


def _insert(
    act: acts.Act, *, thread: Thread, asked: Asked, actor: Any, order: RunOrder, now: datetime
) -> Run:
    run = Run(
        public_id=new_id(),
        thread=thread,
        graph=asked.graph,
        assistant_id=asked.assistant_id,
        assistant_version=asked.version,
        actor=actor,
        input=order.input,
        config=dict(order.config),
        context=dict(order.context) if order.context is not None else None,
        metadata=clean_metadata(dict(order.metadata)),
        options=dict(order.options),
        strategy=order.strategy,
        durability=order.durability,
        idempotency_key=order.idempotency_key,
        request_digest=order.digest,
        due_at=now + timedelta(seconds=order.after_seconds) if order.after_seconds else None,
        # The hint goes out with the commit; the tick repeats it if it got lost.
        dispatched_at=now,
        created_at=now,
        updated_at=now,
    )
    run.save(force_insert=True)
    if order.command:
        run.command = interrupts.take(
            thread=thread, run=run, command=order.command, actor=actor, act=act, now=now
        )
        run.save(update_fields=["command"])
    shown = {"run_id": str(run.public_id), "status": run.status, "graph": asked.graph.name}
    act.append(thread.stream_id, Item("run.pending", shown, run.public_id))
    act.publish(RunRequested(run_id=run.pk))
    placed = {"thread_id": thread.public_id, "graph": asked.graph.name}
    act.record(run, act="run.start", data=placed)
    return run


def cancel(*, run: Run, actor: Any, now: datetime, reason: str = "") -> Run:
    """Ask a run to stop: a pending one is cancelled at once, a running one by its worker.

    Raises NotVisible for a run that has ended, as LangGraph's server answers 404.
    """
    with acts.act("run.cancel", reason=reason) as act:
        stop(act, run=run, actor=actor, now=now)
    run.refresh_from_db()
    return run


def stop(act: acts.Act, *, run: Run, actor: Any, now: datetime) -> None:
    """Cancel a run inside the caller's act, which locks its thread; see `cancel`."""
    thread = threads.locked(run.thread_id)
    pending = Run.objects.filter(pk=run.pk, status=Run.Status.PENDING)
    running = Run.objects.filter(pk=run.pk, status=Run.Status.RUNNING)
    if pending.update(status="cancelled", finished_at=Now(), updated_at=now):
        shown = {"run_id": str(run.public_id), "status": "cancelled"}
        act.append(thread.stream_id, Item("run.cancelled", shown, run.public_id))
        act.publish(RunFinished(run.pk, run.thread_id, "cancelled"))
        interrupts.reopen(run=run, act=act, stream_id=thread.stream_id)
    elif running.update(cancel_requested_at=Now(), updated_at=now):
        shown = {"run_id": str(run.public_id), "by": actor.get_username()}
        act.append(thread.stream_id, Item("run.cancel_requested", shown, run.public_id))
        act.publish(RunCancelRequested(run.pk))
    else:
        raise NotVisible("This run has ended already.")
    act.record(run, act="run.cancel")


def delete(*, run: Run, now: datetime) -> None:
    """Delete a run; one under way is cut off. What it wrote to the thread's state stays.

    Raises RunAsks until all its questions are answered and the answers heard.
    """
    with acts.act("run.delete") as act:
        thread = threads.locked(run.thread_id)
        locked = Run.objects.select_for_update(no_key=True).filter(pk=run.pk).first()
        if locked is None:
            return
        # An answer on its way is told apart from the next one by the question's row.
        needed = Q(status=Interrupt.Status.OPEN) | Q(answer_run__status__in=UNFINISHED)
        if Interrupt.objects.filter(needed, run=locked).exists():
            raise RunAsks("This run waits for an answer. Answer it, or delete the thread.")
        if not locked.is_terminal:
            _cut_off(act, thread, locked, now)
        shown = {"run_id": str(locked.public_id)}
        act.append(thread.stream_id, Item("run.deleted", shown, locked.public_id))
        act.record(locked, data={"thread_id": thread.public_id, "status": locked.status})
        Run.objects.filter(pk=locked.pk).delete()


def _cut_off(act: acts.Act, thread: Thread, run: Run, now: datetime) -> None:
    """Take the thread from a run that has not ended, and leave its questions open."""
    interrupts.reopen(run=run, act=act, stream_id=thread.stream_id)
    if run.status == Run.Status.RUNNING:
        heads.raise_fence(head_id=thread.head_id, held=False)
        resting = threads.resting_status(thread, "cancelled")
        Thread.objects.filter(pk=thread.pk).update(status=resting, updated_at=now)
    act.publish(RunFinished(run.pk, thread.pk, "cancelled"))

"""One execution of one claimed run: from its row to an outcome, stoppable at any time."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import TYPE_CHECKING, Any, cast

from django.db import close_old_connections
from langgraph.errors import EmptyInputError, GraphRecursionError, InvalidUpdateError

from checkpoints_app.saver import ThreadHubSaver
from checkpoints_app.services import heads
from checkpoints_app.storage import FenceLost, StoreUnavailable
from threadhub.kernel.audit import Actor
from threadhub.kernel.errors import ThreadHubError
from threadhub.kernel.models import clean_text
from threadhub.kernel.observability.redaction import redact_text
from threads_app.graphs import catalog
from threads_app.models import Interrupt, Run

from . import memory, questions
from .executor import Order, Result, execute
from .settling import Outcome

if TYPE_CHECKING:
    from threads_app.graphs.loaded import AnyGraph

    from .keeper import StopReason
    from .leases import Lease
    from .loops import LoopShard
    from .questions import Question
    from .streaming import Buffer

# A node that ignores its cancellation is left behind; the fence stops what it writes.
GRACE_SECONDS = 5.0
MESSAGE_LENGTH = 2000

logger = logging.getLogger(__name__)


class Execution:
    """Executes a run on an event loop while the calling thread waits."""

    def __init__(self, lease: Lease, shard: LoopShard, buffer: Buffer) -> None:
        self.reason: StopReason | None = None
        self._lease = lease
        self._loop = shard.loop
        self._buffer = buffer
        self._task: asyncio.Task[Result] | None = None
        self._done = threading.Event()
        self._guard = threading.Lock()
        self._run = Run.objects.select_related("graph", "actor").get(pk=lease.run_id)
        self._saver = ThreadHubSaver().bound(key=lease.key, fence=lease.fence)

    def actor(self) -> Actor:
        """Return whom the run's effects are attributed to: who ordered it."""
        return Actor(self._run.actor_id, self._run.actor.get_username(), None, "engine")

    def stop(self, reason: StopReason) -> None:
        """Stop the run, from any thread; losing the lease overrides every other reason."""
        with self._guard:
            is_first = self.reason is None
            if not is_first and reason != "lost":
                return
            self.reason = reason
        if is_first:
            self._loop.call_soon_threadsafe(self._cancel_task)
            timer = threading.Timer(GRACE_SECONDS, self._done.set)
            timer.daemon = True
            timer.start()

    def run(self) -> Outcome | None:
        """Return the outcome, or None when the run must be left or handed back."""
        graph = None
        try:
            store = memory.of_run(self._run, self._lease)
            graph = catalog.get(self._run.graph.name).bind(checkpointer=self._saver, store=store)
            # The bound copy reads the graph's own types, which a bare saver refuses.
            self._saver = cast("ThreadHubSaver", graph.checkpointer)
            result = self._wait(graph, self._order())
        except asyncio.CancelledError:
            return self._stopped(graph)
        except Exception as error:  # noqa: BLE001  # whatever user code raises ends the run
            return self._failed(error, graph)
        return self._finished(result, graph)

    def _wait(self, graph: AnyGraph, order: Order) -> Result:
        # The run may take hours; a pooled connection must not wait with it.
        close_old_connections()
        self._loop.call_soon_threadsafe(self._start_task, graph, order)
        self._done.wait()
        if self._task is None or not self._task.done():
            raise asyncio.CancelledError
        return self._task.result()

    def _start_task(self, graph: AnyGraph, order: Order) -> None:
        self._task = self._loop.create_task(execute(graph, order, self._buffer.add))
        self._task.add_done_callback(lambda _: self._done.set())
        if self.reason is not None:
            self._task.cancel()

    def _cancel_task(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _order(self) -> Order:
        run = self._run
        has_begun = heads.has_run(key=self._lease.key, run_id=str(run.public_id))
        command = run.command if has_begun else self._unheard(run.command)
        return Order(
            run_id=str(run.public_id),
            thread_key=self._lease.key,
            input=run.input,
            command=command,
            is_continuation=has_begun or bool(run.command and not command),
            config=run.config,
            context=run.context,
            metadata={**run.metadata, "graph_id": run.graph.name},
            checkpoint=run.options.get("checkpoint"),
            stream_modes=run.options.get("stream_modes", ()),
            interrupt_before=run.options.get("interrupt_before"),
            interrupt_after=run.options.get("interrupt_after"),
            durability=run.durability,
        )

    def _unheard(self, command: dict[str, Any] | None) -> dict[str, Any] | None:
        """Return the command without the answers an earlier attempt has delivered.

        LangGraph would give a repeated answer to the task's next question.
        """
        if self._lease.attempt == 1 or not command or not command.get("resume"):
            return command
        left = dict(command["resume"])
        for asked in Interrupt.objects.filter(answer_run=self._run):
            count = questions.count_answers(
                self._saver, self._lease.key, asked.namespace, asked.checkpoint_id, asked.task_id
            )
            if count > asked.answered_before:
                left.pop(asked.interrupt_id, None)
        rest = {key: value for key, value in command.items() if key != "resume" and value}
        return {**rest, "resume": left} if left else rest or None

    def _finished(self, result: Result, graph: AnyGraph) -> Outcome:
        is_waiting = result.is_interrupted or bool(result.next)
        return Outcome(
            status="interrupted" if is_waiting else "success",
            values=result.values,
            questions=self._questions(graph) if is_waiting else (),
            usage=result.usage,
        )

    def _stopped(self, graph: AnyGraph | None) -> Outcome | None:
        """Return the outcome of a stopped run; None to hand it back or leave it."""
        if self.reason == "cancel":
            return Outcome(status="cancelled", questions=self._questions(graph))
        if self.reason == "deadline":
            message = "The run's time was up before it had finished."
            return Outcome(
                status="timeout",
                error_class="DeadlineExceeded",
                error_message=message,
                questions=self._questions(graph),
            )
        if self.reason is None:
            # The graph cancelled itself; nobody asked for it.
            return self._error(Run.ErrorKind.NODE, asyncio.CancelledError("cancelled"), graph)
        return None

    def _failed(self, error: Exception, graph: AnyGraph | None) -> Outcome | None:
        if isinstance(error, FenceLost):
            self.reason = "lost"
            return None
        if self.reason is not None:
            # What a cancelled graph raises on its way out is not what ended it.
            return self._stopped(graph)
        if isinstance(error, StoreUnavailable):
            logger.error("The checkpoint store failed; the run is handed back.", exc_info=error)
            return None
        logger.info("A run ended with an error.", exc_info=error)
        return self._error(_kind(error), error, graph)

    def _error(self, kind: str, error: BaseException, graph: AnyGraph | None) -> Outcome:
        return Outcome(
            status="error",
            error_kind=kind,
            error_class=type(error).__name__,
            error_message=clean_text(redact_text(str(error))[:MESSAGE_LENGTH]),
            questions=self._questions(graph),
        )

    def _questions(self, graph: AnyGraph | None) -> tuple[Question, ...] | None:
        """Return what the state asks; None where it cannot be read, which changes nothing."""
        if graph is None:
            return None
        try:
            return questions.in_state(graph, self._saver, self._lease.key)
        except Exception:
            logger.exception("The state after a run could not be read.")
            return None


def _kind(error: Exception) -> str:
    if isinstance(error, EmptyInputError | InvalidUpdateError):
        return Run.ErrorKind.INPUT
    if isinstance(error, GraphRecursionError | ThreadHubError):
        return Run.ErrorKind.GRAPH
    return Run.ErrorKind.NODE

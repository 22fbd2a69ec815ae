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
from threadhub.kernel.streams.log import Item
from threads_app.graphs import building, catalog
from threads_app.graphs.access import GraphUser, Operation
from threads_app.graphs.building import BuildTooSlow
from threads_app.models import Interrupt, Run

from . import memory, questions
from .executor import Order, Result, config_of, execute
from .settling import Outcome

if TYPE_CHECKING:
    from threads_app.graphs.loaded import AnyGraph, LoadedGraph

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
        self._shard = shard
        self._loop = shard.loop
        self._buffer = buffer
        self._task: asyncio.Task[Result] | None = None
        # As built for this run; its state can be read after its context was left.
        self._graph: AnyGraph | None = None
        self._opened = threading.Event()
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
            timer = threading.Timer(GRACE_SECONDS, self._end_wait)
            timer.daemon = True
            timer.start()

    def run(self) -> Outcome | None:
        """Return the outcome, or None when the run must be left or handed back."""
        try:
            graph = catalog.get(self._run.graph.name)
            # The graph's own types can be read now, which a bare saver refuses.
            self._saver = cast("ThreadHubSaver", graph.reading(self._saver))
            result = self._wait(graph, self._order(graph))
        except asyncio.CancelledError:
            return self._stopped()
        except Exception as error:  # noqa: BLE001  # whatever user code raises ends the run
            return self._failed(error)
        return self._finished(result)

    def _wait(self, graph: LoadedGraph, order: Order) -> Result:
        # The run may take hours; a pooled connection must not wait with it.
        close_old_connections()
        self._loop.call_soon_threadsafe(self._start_task, graph, order)
        if graph.export.factory is not None:
            self._demand_built(graph)
        self._done.wait()
        if self._task is None or not self._task.done():
            raise asyncio.CancelledError
        return self._task.result()

    def _demand_built(self, graph: LoadedGraph) -> None:
        """Give up a run whose factory holds the loop, where its time limit cannot act."""
        if self._opened.wait(building.limit() + GRACE_SECONDS):
            return
        self._shard.is_blocked = True
        self._loop.call_soon_threadsafe(self._cancel_task)
        raise BuildTooSlow(
            f"The factory of `{graph.name}` blocks its event loop: it must not wait in "
            "synchronous code."
        )

    def _end_wait(self) -> None:
        self._opened.set()
        self._done.set()

    def _start_task(self, graph: LoadedGraph, order: Order) -> None:
        self._task = self._loop.create_task(self._executed(graph, order))
        self._task.add_done_callback(lambda _: self._end_wait())
        if self.reason is not None:
            self._task.cancel()

    async def _executed(self, graph: LoadedGraph, order: Order) -> Result:
        """Run the graph inside its factory's context, if it has one."""
        async with graph.opened(self._operation(order)) as opened:
            self._graph = opened.graph
            self._opened.set()
            if opened.build_seconds is not None:
                await self._buffer.add([self._built(opened.build_seconds)])
            return await execute(opened.graph, order, self._buffer.add)

    def _operation(self, order: Order) -> Operation:
        actor = self._run.actor
        return Operation(
            access="threads.create_run",
            checkpointer=self._saver,
            store=memory.of_run(self._run, self._lease),
            user=GraphUser(str(actor.pk), display_name=actor.get_username()),
            config=config_of(order),
            context=order.context,
        )

    def _built(self, seconds: float) -> Item:
        shown = {"graph": self._run.graph.name, "seconds": seconds}
        return Item("graph.built", shown, self._run.public_id)

    def _cancel_task(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _order(self, graph: LoadedGraph) -> Order:
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
            context=graph.context(run.context, config=run.config),
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

    def _finished(self, result: Result) -> Outcome:
        is_waiting = result.is_interrupted or bool(result.next)
        return Outcome(
            status="interrupted" if is_waiting else "success",
            values=result.values,
            questions=self._questions() if is_waiting else (),
            usage=result.usage,
        )

    def _stopped(self) -> Outcome | None:
        """Return the outcome of a stopped run; None to hand it back or leave it."""
        if self.reason == "cancel":
            return Outcome(status="cancelled", questions=self._questions())
        if self.reason == "deadline":
            message = "The run's time was up before it had finished."
            return Outcome(
                status="timeout",
                error_class="DeadlineExceeded",
                error_message=message,
                questions=self._questions(),
            )
        if self.reason is None:
            # The graph cancelled itself; nobody asked for it.
            return self._error(Run.ErrorKind.NODE, asyncio.CancelledError("cancelled"))
        return None

    def _failed(self, error: Exception) -> Outcome | None:
        if isinstance(error, FenceLost):
            self.reason = "lost"
            return None
        if self.reason is not None:
            # What a cancelled graph raises on its way out is not what ended it.
            return self._stopped()
        if isinstance(error, StoreUnavailable):
            logger.error("The checkpoint store failed; the run is handed back.", exc_info=error)
            return None
        logger.info("A run ended with an error.", exc_info=error)
        return self._error(_kind(error), error)

    def _error(self, kind: str, error: BaseException) -> Outcome:
        return Outcome(
            status="error",
            error_kind=kind,
            error_class=type(error).__name__,
            error_message=clean_text(redact_text(str(error))[:MESSAGE_LENGTH]),
            questions=self._questions(),
        )

    def _questions(self) -> tuple[Question, ...] | None:
        """Return what the state asks; None where it cannot be read, which changes nothing."""
        if self._graph is None:
            return None
        try:
            return questions.in_state(self._graph, self._saver, self._lease.key)
        except Exception:
            logger.exception("The state after a run could not be read.")
            return None


def _kind(error: Exception) -> str:
    if isinstance(error, EmptyInputError | InvalidUpdateError):
        return Run.ErrorKind.INPUT
    if isinstance(error, GraphRecursionError | ThreadHubError):
        return Run.ErrorKind.GRAPH
    return Run.ErrorKind.NODE

"""What happened on a thread as a picture: a pure fold of the events of its runs.

Applying the same event twice changes nothing, and a picture of the first events goes on to
the same picture as all of them, wherever they are cut. It holds one entry for each node and
one for each task that is under way or did not end well, never one for each event.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

# What a picture reads; outputs, tokens and values are never loaded for it.
KINDS = (
    "task.started",
    "task.finished",
    "checkpoint",
    "interrupt.dropped",
    "run.pending",
    "run.running",
    "run.success",
    "run.error",
    "run.timeout",
    "run.interrupted",
    "run.cancelled",
)
SEPARATOR = ":"
START = "__start__"
# How many executions of a node, and moments of failure, are kept to be drawn.
DRAWN = 24
MARKED = 100
Task = tuple[str, str]


class Event(NamedTuple):
    """One event of a run's log."""

    seq: int
    run_id: UUID | None
    kind: str
    payload: Any
    at: datetime


@dataclass(slots=True)
class Step:
    """One execution of one task; a task that is taken up again is another step.

    running -> success | error | waiting | lost; waiting -> answered | dropped
    """

    seq: int
    run_id: UUID | None
    task_id: str
    ns: str
    node: str
    started: datetime
    # LangGraph's number of the step, and the checkpoint whose state the task was given.
    number: int | None = None
    checkpoint_id: str = ""
    # Above 1 when the task failed or was lost before.
    attempt: int = 1
    # It had asked a question and goes on with the answer.
    is_resumed: bool = False
    state: str = "running"
    ended_seq: int | None = None
    ended: datetime | None = None
    error: str = ""
    questions: tuple[str, ...] = ()

    @property
    def path(self) -> tuple[str, ...]:
        """Return the names of the nodes whose subgraphs the task is in, outermost first."""
        return path_of(self.ns)

    @property
    def key(self) -> str:
        """Return the name of the node with its subgraphs, as drawings name it."""
        return SEPARATOR.join((*self.path, self.node))

    @property
    def seconds(self) -> float | None:
        """Return how long it took, None while it runs."""
        return None if self.ended is None else (self.ended - self.started).total_seconds()


class Span(NamedTuple):
    """A finished execution as it is drawn."""

    started: datetime
    ended: datetime
    state: str


@dataclass(slots=True)
class Node:
    """What all executions of one node come to; the first few of them as spans."""

    key: str
    name: str
    first: datetime
    spans: list[Span] = field(default_factory=list)
    visits: int = 0
    failures: int = 0
    running: int = 0
    waiting: int = 0
    seconds: float = 0.0
    last_seconds: float | None = None
    last_state: str = ""
    last_seq: int = 0
    since: datetime | None = None
    error: str = ""

    @property
    def depth(self) -> int:
        """Return how many subgraphs the node is in."""
        return self.key.count(SEPARATOR)

    @property
    def state(self) -> str:
        """Return the state to show: what is under way counts above what was."""
        if self.running:
            return "running"
        return "waiting" if self.waiting else self.last_state


def path_of(ns: str) -> tuple[str, ...]:
    """Return the nodes that a namespace such as `node:task|inner:task` leads through."""
    # A node that calls several subgraphs numbers them: `node:task|1`.
    names = (part.split(":", 1)[0] for part in ns.split("|") if ns)
    return tuple(name for name in names if not name.isdigit())


@dataclass(slots=True)
class Picture:
    """The state of the fold: apply events in the order of their sequence."""

    seq: int = 0
    nodes: dict[str, Node] = field(default_factory=dict)
    # Under way, waiting for an answer, and ended badly: by namespace and task.
    running: dict[Task, Step] = field(default_factory=dict)
    waiting: dict[Task, Step] = field(default_factory=dict)
    failed: dict[Task, Step] = field(default_factory=dict)
    # Which attempt a step is, by its first event, where it is not the first.
    attempts: dict[int, int] = field(default_factory=dict)
    steps: int = 0
    failures: int = 0
    checkpoints: int = 0
    # When each attempt of a run began and ended, and when something failed.
    spells: list[tuple[datetime, datetime | None]] = field(default_factory=list)
    marks: list[datetime] = field(default_factory=list)
    status: str = ""
    # What the last checkpoint of the thread itself says comes next.
    next: tuple[str, ...] = ()
    heads: dict[str, tuple[str, int | None]] = field(default_factory=dict)
    # Which node came right after which; the nodes of the last two steps of each namespace.
    moves: set[tuple[str, str]] = field(default_factory=set)
    layers: dict[str, tuple[int, set[str], set[str]]] = field(default_factory=dict)

    def apply(self, event: Event) -> Step | None:
        """Take the next event in, and return the step that it starts, if it does."""
        if event.seq <= self.seq:
            return None
        self.seq = event.seq
        match event.kind:
            case "task.started":
                return self._start(event)
            case "task.finished":
                self._finish(event)
            case "checkpoint":
                self._checkpoint(event)
            case "interrupt.dropped":
                self._drop(str(event.payload.get("interrupt_id")))
            case kind if kind.startswith("run."):
                self._run(event)
        return None

    def extend(self, events: Iterable[Event]) -> Picture:
        """Take several events in."""
        for event in events:
            self.apply(event)
        return self

    def _start(self, event: Event) -> Step:
        payload = event.payload
        task = (payload["ns"], payload["id"])
        checkpoint_id, number = self.heads.get(payload["ns"], ("", None))
        step = Step(
            seq=event.seq,
            run_id=event.run_id,
            task_id=payload["id"],
            ns=payload["ns"],
            node=payload["name"],
            started=event.at,
            number=None if number is None else number + 1,
            checkpoint_id=checkpoint_id,
        )
        self._take_up(task, step, event)
        self.running[task] = step
        self.steps += 1
        node = self.nodes.setdefault(step.key, Node(step.key, step.node, event.at))
        node.visits += not step.is_resumed
        node.running += 1
        node.last_seq, node.since = event.seq, event.at
        self._move(step)
        return step

    def _move(self, step: Step) -> None:
        """Note from which nodes of the step before the task was reached."""
        if step.number is None:
            return
        number, here, before = self.layers.get(step.ns, (step.number, set(), set()))
        if number != step.number:
            here, before = set(), here
        here.add(step.key)
        self.layers[step.ns] = (step.number, here, before)
        self.moves |= {(source, step.key) for source in before or {START}}

    def _take_up(self, task: Task, step: Step, event: Event) -> None:
        """Tie the step to the one before it of the same task."""
        if (asked := self.waiting.pop(task, None)) is not None:
            asked.state = "answered"
            self.nodes[asked.key].waiting -= 1
            step.is_resumed, step.attempt = True, asked.attempt
        if task in self.running:
            self._end(task, event, "lost")
        if (before := self.failed.pop(task, None)) is not None:
            step.attempt = before.attempt + 1
        if step.attempt > 1:
            self.attempts[step.seq] = step.attempt

    def _finish(self, event: Event) -> None:
        payload = event.payload
        task = (payload["ns"], payload["id"])
        if task not in self.running:
            return
        if payload.get("error"):
            state = "error"
        else:
            state = "waiting" if payload.get("interrupts") else "success"
        step = self._end(task, event, state)
        step.error = str(payload.get("error") or "")
        step.questions = tuple(payload.get("interrupts") or ())
        self.nodes[step.key].error = step.error
        if state == "waiting":
            self.waiting[task] = step
            self.nodes[step.key].waiting += 1
        inside = "|".join(filter(None, (step.ns, f"{step.node}:{step.task_id}")))
        for known in (self.heads, self.layers):
            for ns in [ns for ns in known if ns.startswith(inside)]:
                known.pop(ns)

    def _end(self, task: Task, event: Event, state: str) -> Step:
        step = self.running.pop(task)
        step.state, step.ended, step.ended_seq = state, event.at, event.seq
        node = self.nodes[step.key]
        node.running -= 1
        node.last_state, node.last_seconds = state, step.seconds
        node.seconds += step.seconds or 0.0
        node.since = event.at
        if len(node.spans) < DRAWN:
            node.spans.append(Span(step.started, event.at, state))
        if state in {"error", "lost"}:
            self.failed[task] = step
            is_failure = state == "error"
            self.failures += is_failure
            node.failures += is_failure
            if is_failure and len(self.marks) < MARKED:
                self.marks.append(event.at)
        return step

    def _checkpoint(self, event: Event) -> None:
        payload = event.payload
        self.checkpoints += 1
        self.heads[payload["ns"]] = (payload["checkpoint_id"], payload.get("step"))
        if not payload["ns"]:
            self.next = tuple(payload.get("next") or ())

    def _drop(self, interrupt_id: str) -> None:
        for task, step in list(self.waiting.items()):
            if interrupt_id in step.questions:
                del self.waiting[task]
                step.state = "dropped"
                node = self.nodes[step.key]
                node.waiting -= 1
                node.last_state = "dropped"

    def _run(self, event: Event) -> None:
        self.status = event.kind.removeprefix("run.")
        if self.spells and self.spells[-1][1] is None:
            self.spells[-1] = (self.spells[-1][0], event.at)
        if self.status == "running":
            self.spells.append((event.at, None))
        # A run that ended, was handed back or begins anew has no task under way.
        for task in [task for task, step in self.running.items() if step.run_id == event.run_id]:
            self._end(task, event, "lost")

"""Reads of what runs did, from their events: a summary first, then as many rows as are shown."""

from __future__ import annotations

import copy
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain as joined
from typing import TYPE_CHECKING, Any
from uuid import UUID

from threadhub.kernel.streams.models import StreamEvent
from threads_app.models import Run, Thread

from .pictures import KINDS, Event, Picture, Step

if TYPE_CHECKING:
    from django.db.models import QuerySet

# Pictures kept in a process; each has the size of its graph, not of its log.
KEPT = 64
CHUNK = 500
CHAINED = 20
ROWS = 200
# Ends of tasks that the grid of the last runs looks at.
ENDS_READ = 5000
FIELDS = ("seq", "run_id", "kind", "payload", "at")


_known: OrderedDict[tuple[UUID, ...], Picture] = OrderedDict()
_guard = threading.Lock()


@dataclass(frozen=True, slots=True)
class Rows:
    """Some steps in order; `next` is the sequence to go on after, 0 at the end."""

    steps: list[Step]
    next: int


def chain(run: Run) -> list[UUID]:
    """Return the run and those before it whose work it continues, oldest first; 1 query.

    An answer and a run without input go on from where the thread stands.
    """
    before = Run.objects.filter(thread=run.thread_id, pk__lte=run.pk).order_by("-id")
    found: list[UUID] = []
    for public_id, order in before.values_list("public_id", "input")[:CHAINED]:
        found.append(public_id)
        if order is not None:
            break
    return found[::-1]


def picture(runs: Sequence[UUID]) -> Picture:
    """Return what these runs come to, to be read only; 1 query for what is new since last time.

    The pictures looked at last are kept: a page that is watched asks for the same one again
    and again, and a log only grows.
    """
    key = tuple(runs)
    with _guard:
        known = _known.get(key)
    after = known.seq if known else 0
    new = _read(_events(runs).filter(seq__gt=after, kind__in=KINDS))
    first = next(new, None)
    if known is not None and first is None:
        return known
    # Others may be reading the one that is kept.
    found = copy.deepcopy(known) if known else Picture()
    found.extend(joined([first] if first else [], new))
    with _guard:
        _known[key] = found
        _known.move_to_end(key)
        while len(_known) > KEPT:
            _known.popitem(last=False)
    return found


def rows(
    runs: Sequence[UUID],
    *,
    known: Picture,
    after: int = 0,
    limit: int = ROWS,
    only: frozenset[str] = frozenset(),
    node: str = "",
) -> Rows:
    """Return up to `limit` steps that start after a sequence, as they are now; 1 query.

    `only` keeps steps in these states, `node` those of one node. `known` is the picture of
    the same runs: it says which attempt a step is.
    """
    picture, found = Picture(), Window(limit=limit, only=only, node=node)
    for event in _read(_events(runs).filter(seq__gt=after, kind__in=KINDS)):
        found.take(picture.apply(event))
        if found.is_complete():
            break
    for step in found.steps:
        step.attempt = known.attempts.get(step.seq, 1)
    return found.rows()


class Window:
    """The first steps of a fold that match, while their ends are still to come."""

    def __init__(self, *, limit: int, only: frozenset[str], node: str) -> None:
        self._limit = limit
        self._node = node
        self._only = only
        self._candidates: list[Step] = []
        self._looked = 0

    @property
    def steps(self) -> list[Step]:
        """Return the steps that match, one more than wanted where there are more."""
        return [step for step in self._candidates if not self._only or step.state in self._only]

    def take(self, step: Step | None) -> None:
        """Take in a step that starts."""
        if step is None or self._node not in {"", step.key}:
            return
        if self._only or len(self._candidates) <= self._limit:
            self._candidates.append(step)

    def is_complete(self) -> bool:
        """Say whether no further event can change the rows; looks once in a while."""
        self._looked += 1
        if self._looked % CHUNK:
            return False
        if self._only:
            # What ended otherwise is of no use: it would only grow.
            self._candidates = [s for s in self._candidates if s.ended is None or self._matches(s)]
        first = self._candidates[: self._limit + 1]
        return len(first) > self._limit and all(step.ended is not None for step in first)

    def _matches(self, step: Step) -> bool:
        return step.state in self._only

    def rows(self) -> Rows:
        """Return the rows, and where to go on."""
        steps = self.steps
        shown = steps[: self._limit]
        return Rows(shown, shown[-1].seq if len(steps) > self._limit else 0)


def nodes_of(runs: Sequence[UUID]) -> dict[UUID, dict[str, str]]:
    """Return the state in which each run left each node of its graph; 1 query.

    Of very long runs the last steps count.
    """
    found: dict[UUID, dict[str, str]] = {run: {} for run in runs}
    ended: Any = _events(runs).filter(kind="task.finished").order_by("-seq")
    for run_id, payload in ended.values_list("run_id", "payload")[:ENDS_READ]:
        if run_id is not None and not payload["ns"]:
            _note(found[run_id], payload)
    return {run: dict(reversed(nodes.items())) for run, nodes in found.items()}


def _note(nodes: dict[str, str], payload: Any) -> None:
    """Take in how a node ended, last first; one failure among several visits counts."""
    if payload.get("error"):
        nodes[payload["name"]] = "error"
    else:
        nodes.setdefault(payload["name"], "waiting" if payload.get("interrupts") else "success")


def events(
    runs: Sequence[UUID], *, after: int = 0, limit: int = ROWS, kinds: Sequence[str] = ()
) -> list[Event]:
    """Return up to `limit` events after a sequence with their payloads, in order; 1 query."""
    found = _events(runs).filter(seq__gt=after)
    if kinds:
        found = found.filter(kind__in=kinds)
    return [Event(*row) for row in found.values_list(*FIELDS)[:limit]]


def tail(runs: Sequence[UUID], *, kinds: Sequence[str], limit: int) -> list[Event]:
    """Return the last events of these kinds, in order; 1 query."""
    found = _events(runs).filter(kind__in=kinds).order_by("-seq")
    return [Event(*row) for row in found.values_list(*FIELDS)[:limit]][::-1]


def step_at(runs: Sequence[UUID], *, seq: int, known: Picture) -> Step | None:
    """Return the step that starts at a sequence, with its end; 1 query."""
    found = rows(runs, known=known, after=seq - 1, limit=1).steps
    return found[0] if found and found[0].seq == seq else None


def outcome(runs: Sequence[UUID], step: Step) -> dict[str, Any]:
    """Return what the log holds of a step: input where it was kept, output, checkpoints.

    4 queries. A task's update is written right before its end, and the checkpoint it
    went into is the next one of its namespace.
    """
    ended = step.ended_seq or step.seq
    around = _events(runs).filter(seq__gte=ended - CHUNK, seq__lt=ended, kind="updates")
    output = _update(step, around.order_by("-seq").values_list("payload", flat=True)[:50])
    kept = _events(runs).filter(seq__gt=step.seq, seq__lte=step.seq + CHUNK, kind="tasks")
    given = next((p["data"] for p in _payloads(kept) if _is_of(step, p)), None)
    after = _events(runs).filter(seq__gt=ended, seq__lte=ended + CHUNK, kind="checkpoint")
    ends_in = next((p["checkpoint_id"] for p in _payloads(after) if p["ns"] == step.ns), "")
    before = _events(runs).filter(seq__lt=step.seq, kind="checkpoint").order_by("-seq")
    begins: dict[str, Any] = next((p for p in _payloads(before) if p["ns"] == step.ns), {})
    return {
        "output": output,
        "has_output": output is not None,
        "input": given.get("input") if given else None,
        "has_input": given is not None,
        "number": None if begins.get("step") is None else begins["step"] + 1,
        "begins_at": begins.get("checkpoint_id", ""),
        "ends_in": ends_in if step.state == "success" else "",
    }


def _update(step: Step, payloads: Any) -> Any:
    if step.ended_seq is None:
        return None
    for payload in payloads:
        data = payload["data"]
        if payload["ns"] == step.ns and isinstance(data, dict) and step.node in data:
            return data[step.node]
    return None


def _payloads(found: QuerySet[StreamEvent]) -> Iterator[Any]:
    return iter(found.values_list("payload", flat=True)[:CHUNK])


def _is_of(step: Step, payload: Any) -> bool:
    data = payload.get("data")
    return isinstance(data, dict) and data.get("id") == step.task_id and "input" in data


def latest_run(thread: Thread, *, user: Any) -> Run | None:
    """Return the run that executes, or the last one that began, or the first that waits."""
    mine = Run.objects.visible_to(user, "view").filter(thread=thread)
    mine = mine.select_related("actor").defer("input", "command", "context")
    begun = mine.exclude(started_at=None).order_by("-id").first()
    return begun or mine.order_by("id").first()


def _events(runs: Sequence[UUID]) -> QuerySet[StreamEvent]:
    return StreamEvent.objects.filter(run_id__in=runs).order_by("seq")


def _read(found: QuerySet[StreamEvent]) -> Iterator[Event]:
    for row in found.values_list(*FIELDS).iterator(chunk_size=CHUNK):
        yield Event(*row)

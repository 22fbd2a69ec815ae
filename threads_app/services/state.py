"""Read and change a thread's state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F
from langgraph.pregel import Pregel
from langgraph.types import StateSnapshot

from checkpoints_app.saver import ThreadHubSaver
from checkpoints_app.services import heads
from threadhub.kernel import acts
from threadhub.kernel.errors import Conflict, Invalid, NotVisible
from threadhub.kernel.streams.log import Item
from threads_app.graphs import catalog
from threads_app.graphs.encoding import plain
from threads_app.models import Run, Thread
from threads_app.services.previews import preview
from threads_app.services.threads import resting_status


class StateBusy(Conflict):
    """A run is executing on the thread, so its state cannot be changed from outside."""

    code = "thread_busy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A checkpoint of a thread; the latest of the root namespace when empty."""

    checkpoint_id: str = ""
    namespace: str = ""

    def config(self, key: str) -> Any:
        """Return LangGraph's config that names this place."""
        configurable = {"thread_id": key, "checkpoint_ns": self.namespace}
        if self.checkpoint_id:
            configurable["checkpoint_id"] = self.checkpoint_id
        return {"configurable": configurable}


LATEST = Place()


def read(*, thread: Thread, place: Place = LATEST, subgraphs: bool = False) -> dict[str, Any]:
    """Return LangGraph's ThreadState as JSON; empty for a thread without a graph or state.

    Imports the graph. Raises NotVisible for a checkpoint the thread does not have.
    """
    if thread.graph is None:
        return _empty(thread)
    snapshot = _bound(thread).get_state(place.config(thread.public_id), subgraphs=subgraphs)
    if snapshot.created_at is None:
        if place.checkpoint_id:
            raise NotVisible("There is no such checkpoint on this thread.")
        return _empty(thread)
    return shown(snapshot)


def history(
    *,
    thread: Thread,
    limit: int,
    before: str = "",
    namespace: str = "",
    metadata: Mapping[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """Return the thread's states, newest first, as JSON. Imports the graph."""
    if thread.graph is None:
        return []
    earlier: Any = Place(checkpoint_id=before).config(thread.public_id) if before else None
    found = _bound(thread).get_state_history(
        Place(namespace=namespace).config(thread.public_id),
        filter=dict(metadata) if metadata else None,
        before=earlier,
        limit=limit,
    )
    return [shown(snapshot) for snapshot in found]


def values_at(*, thread: Thread, place: Place) -> Any:
    """Return the values stored at a checkpoint as JSON, decoded as data: nothing is imported."""
    stored = ThreadHubSaver().get_tuple(place.config(thread.public_id))
    if stored is None:
        return None
    hidden = ("__", "branch:")
    values = stored.checkpoint["channel_values"]
    return {name: plain(value) for name, value in values.items() if not name.startswith(hidden)}


def update(
    *,
    thread: Thread,
    values: Any,
    as_node: str | None,
    place: Place = LATEST,
    now: datetime,
) -> dict[str, Any]:
    """Write values as if a node had, and return the config of the new checkpoint.

    Admitted, written under a fence of its own, settled. Raises StateBusy while a run
    executes, Invalid for values the graph refuses.
    """
    if thread.graph is None:
        raise Invalid("This thread has no graph yet; start a run on it first.")
    fence = _admit(thread)
    saver = ThreadHubSaver().bound(key=thread.public_id, fence=fence)
    graph = catalog.get(thread.graph.name).bind(checkpointer=saver)
    problem: Exception | None = None
    config: Any = {}
    try:
        config = graph.update_state(place.config(thread.public_id), values, as_node)
    except Exception as error:
        problem = error
    _settle(thread, graph, fence, problem, now)
    if problem is not None:
        raise Invalid(f"The graph refused the values: {problem}") from problem
    return dict(config["configurable"])


def _admit(thread: Thread) -> int:
    with acts.act("state.update") as act:
        locked = Thread.objects.select_for_update(no_key=True).filter(pk=thread.pk).first()
        if locked is None:
            raise NotVisible("There is no such thread.")
        if Run.objects.filter(thread=locked, status=Run.Status.RUNNING).exists():
            raise StateBusy("A run is executing on this thread. Cancel it or wait for its end.")
        act.record(locked, outcome="admitted")
        return heads.raise_fence(head_id=locked.head_id, held=True)


def _settle(
    thread: Thread, graph: Pregel, fence: int, problem: Exception | None, now: datetime
) -> None:
    snapshot = graph.get_state(LATEST.config(thread.public_id))
    with acts.act("state.update") as act:
        locked = Thread.objects.select_for_update(no_key=True).filter(pk=thread.pk).first()
        if locked is None or not heads.hold(fences={locked.head_id: fence}):
            raise StateBusy("The thread changed hands while its state was being written.")
        heads.raise_fence(head_id=locked.head_id, held=False)
        waits = "interrupted" if snapshot.next else "success"
        Thread.objects.filter(pk=locked.pk).update(
            status=resting_status(locked, waits),
            values_preview=preview(plain(snapshot.values)),
            state_updated_at=now if problem is None else F("state_updated_at"),
            updated_at=now,
        )
        outcome = "done" if problem is None else "refused"
        act.append(locked.stream_id, Item("state.updated", {"outcome": outcome}))
        act.record(locked, outcome=outcome)


def _bound(thread: Thread) -> Pregel:
    assert thread.graph is not None  # noqa: S101  # callers look first
    return catalog.get(thread.graph.name).bind(checkpointer=ThreadHubSaver())


def _empty(thread: Thread) -> dict[str, Any]:
    return {
        "values": {},
        "next": [],
        "tasks": [],
        "metadata": None,
        "created_at": None,
        "checkpoint": None,
        "parent_checkpoint": None,
        "interrupts": [],
    }


def shown(snapshot: StateSnapshot) -> dict[str, Any]:
    """Return a snapshot as LangGraph's clients expect it."""
    return {
        "values": plain(snapshot.values),
        "next": list(snapshot.next),
        "tasks": [_task(task) for task in snapshot.tasks],
        "metadata": plain(snapshot.metadata),
        "created_at": snapshot.created_at,
        "checkpoint": _checkpoint(snapshot.config),
        "parent_checkpoint": _checkpoint(snapshot.parent_config),
        "interrupts": plain(snapshot.interrupts),
    }


def _checkpoint(config: Any) -> dict[str, Any] | None:
    if not config:
        return None
    place = config.get("configurable", {})
    names = ("thread_id", "checkpoint_ns", "checkpoint_id", "checkpoint_map")
    return {name: place[name] for name in names if name in place}


def _task(task: Any) -> dict[str, Any]:
    inner = task.state
    is_config = isinstance(inner, dict)
    return {
        "id": task.id,
        "name": task.name,
        "path": plain(task.path),
        "error": type(task.error).__name__ if task.error else None,
        "interrupts": plain(task.interrupts),
        "checkpoint": _checkpoint(inner) if is_config else None,
        "state": shown(inner) if isinstance(inner, StateSnapshot) else None,
        "result": plain(getattr(task, "result", None)),
    }

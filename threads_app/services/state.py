"""Read and change a thread's state."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from checkpoints_app.saver import ThreadHubSaver
from checkpoints_app.serde import DataSerializer
from checkpoints_app.services import heads
from checkpoints_app.store import ThreadHubStore
from threadhub.kernel import acts, audit
from threadhub.kernel.errors import Conflict, Invalid, NotVisible, ThreadHubError
from threadhub.kernel.observability.redaction import redact_text
from threadhub.kernel.streams.log import Item
from threads_app.events import StateChanged
from threads_app.graphs import catalog, snapshots
from threads_app.graphs.access import SYSTEM, Access, GraphUser, Operation
from threads_app.graphs.encoding import plain
from threads_app.models import Interrupt, Run, Thread
from threads_app.services.previews import preview
from threads_app.services.threads import resting_status

if TYPE_CHECKING:
    from datetime import datetime


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

    Imports the graph. Raises NotVisible for a place the thread does not have.
    """
    demand(thread=thread, place=place)
    if thread.graph is None:
        return snapshots.EMPTY
    config = place.config(thread.public_id)
    with catalog.get(thread.graph.name).at_hand(_operation("threads.read", config)) as graph:
        try:
            return snapshots.shown(graph.get_state(config, subgraphs=subgraphs))
        except ValueError:
            raise _nowhere(place) from None


def _operation(
    access: Access, config: Mapping[str, Any], *, saver: ThreadHubSaver | None = None
) -> Operation:
    actor = audit.current_actor()
    is_person = actor.user_id is not None
    user = GraphUser(str(actor.user_id), display_name=actor.label) if is_person else SYSTEM
    return Operation(
        access=access,
        checkpointer=saver or ThreadHubSaver(),
        store=None if actor.user_id is None else ThreadHubStore().for_actor(actor.user_id),
        user=user,
        config=config,
    )


def history(
    *,
    thread: Thread,
    limit: int,
    before: str = "",
    namespace: str = "",
    metadata: Mapping[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """Return the thread's states, newest first, as JSON.

    Imports the graph. Raises NotVisible for a namespace that is no subgraph's.
    """
    if thread.graph is None:
        return []
    place = Place(namespace=namespace)
    demand(thread=thread, place=place)
    config = place.config(thread.public_id)
    with catalog.get(thread.graph.name).at_hand(_operation("threads.read", config)) as graph:
        found = graph.get_state_history(
            config,
            filter=dict(metadata) if metadata else None,
            before=Place(checkpoint_id=before).config(thread.public_id) if before else None,
            limit=limit,
        )
        try:
            return [snapshots.shown(snapshot) for snapshot in found]
        except ValueError:
            raise _nowhere(place) from None


def _nowhere(place: Place) -> Exception:
    """Return what LangGraph's ValueError means: that it found no subgraph there, or a defect."""
    if place.namespace:
        return NotVisible("There is no such namespace on this thread.")
    return ValueError("The state could not be read.")


def demand(*, thread: Thread, place: Place) -> None:
    """Raise NotVisible when the thread has nothing at a place other than the latest."""
    if place != LATEST and stored(thread, place) is None:
        raise NotVisible("There is no such checkpoint on this thread.")


def stored(thread: Thread, place: Place) -> Any:
    """Return LangGraph's tuple of a checkpoint, its values typed where the graph can be loaded."""
    return _reader(thread).get_tuple(place.config(thread.public_id))


def _reader(thread: Thread) -> ThreadHubSaver:
    """Return a saver that knows the graph's types, or takes all for data where it cannot load."""
    try:
        known = catalog.get(thread.graph.name).allowlist if thread.graph else None
    except Invalid:
        known = None
    if known is None:
        return ThreadHubSaver(serde=DataSerializer())
    return ThreadHubSaver().with_allowlist(known)  # type: ignore[return-value]  # a copy of it


def values_at(*, thread: Thread, place: Place, channels: Collection[str] = ()) -> dict[str, Any]:
    """Return the values stored at a checkpoint as JSON, of these channels or of all.

    Imports the graph. Empty where there is no such checkpoint.
    """
    found = stored(thread, place)
    values = found.checkpoint["channel_values"] if found else {}
    hidden = ("__", "branch:")
    return {
        name: plain(value)
        for name, value in values.items()
        if not name.startswith(hidden) and (not channels or name in channels)
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """A change of a thread's state from outside: its act, its place, and how it is written."""

    act: str
    place: Place
    write: Callable[[Any], Any]
    reason: str = ""
    # Told to the audit, and carried by the new checkpoint's metadata.
    data: Mapping[str, Any] = field(default_factory=dict)
    labels: Mapping[str, Any] = field(default_factory=dict)
    # Raises Conflict for a thread, locked by then, that does not admit the change.
    check: Callable[[Thread], None] = lambda _: None
    # What the stream is told of the checkpoint that was written.
    told: Callable[[Mapping[str, Any]], list[Item]] = lambda _: []


def update(
    *,
    thread: Thread,
    values: Any,
    as_node: str | None,
    place: Place = LATEST,
    now: datetime,
) -> dict[str, Any]:
    """Write values as if a node had, and return where the new checkpoint is.

    Raises what `write` raises.
    """
    config = place.config(thread.public_id)
    writing = Writing(
        act="state.update",
        place=place,
        write=lambda graph: graph.update_state(config, values, as_node),
    )
    return write(thread=thread, writing=writing, now=now)


def write(*, thread: Thread, writing: Writing, now: datetime) -> dict[str, Any]:
    """Change the state, and return where the new checkpoint is.

    Admitted, written under a fence of its own, settled. Raises StateBusy while a run
    executes, Invalid for values the graph refuses, NotVisible for an unknown place.
    """
    if thread.graph is None:
        raise Invalid("This thread has no graph yet; start a run on it first.")
    demand(thread=thread, place=writing.place)
    graph = catalog.get(thread.graph.name)
    fence = _admit(thread, writing)
    config = writing.place.config(thread.public_id)
    saver = ThreadHubSaver().bound(key=thread.public_id, fence=fence, labels=writing.labels)
    written = snapshot = problem = None
    try:
        with graph.at_hand(_operation("threads.update", config, saver=saver)) as bound:
            written = snapshots.checkpoint(writing.write(bound))
            snapshot = bound.get_state(LATEST.config(thread.public_id))
    except Exception as error:  # noqa: BLE001  # reducers are the project's code: anything comes
        problem = error
    _settle(thread, writing, written=written or {}, snapshot=snapshot, fence=fence, now=now)
    if problem is not None:
        raise _refusal(problem) from problem
    return written or {}


def _refusal(problem: Exception) -> Exception:
    if isinstance(problem, ThreadHubError):
        return problem
    return Invalid(f"The graph refused the values: {redact_text(str(problem))[:500]}")


def _admit(thread: Thread, writing: Writing) -> int:
    with acts.act(writing.act, reason=writing.reason) as act:
        locked = Thread.objects.select_for_update(no_key=True).filter(pk=thread.pk).first()
        if locked is None:
            raise NotVisible("There is no such thread.")
        if Run.objects.filter(thread=locked, status=Run.Status.RUNNING).exists():
            raise StateBusy("A run is executing on this thread. Cancel it or wait for its end.")
        writing.check(locked)
        act.record(locked, outcome="admitted", data=writing.data)
        return heads.raise_fence(head_id=locked.head_id, held=True)


def _settle(
    thread: Thread,
    writing: Writing,
    *,
    written: Mapping[str, Any],
    snapshot: Any,
    fence: int,
    now: datetime,
) -> None:
    """Give the fence up and show the new state; without a snapshot nothing was written."""
    with acts.act(writing.act, reason=writing.reason) as act:
        locked = Thread.objects.select_for_update(no_key=True).filter(pk=thread.pk).first()
        if locked is None or not heads.hold(fences={locked.head_id: fence}):
            raise StateBusy("The thread changed hands while its state was being written.")
        heads.raise_fence(head_id=locked.head_id, held=False)
        outcome = "refused" if snapshot is None else "done"
        if snapshot is not None:
            _drop_questions(act, locked, snapshot)
            Thread.objects.filter(pk=locked.pk).update(
                status=resting_status(locked, "interrupted" if snapshot.next else "success"),
                values_preview=preview(plain(snapshot.values)),
                state_updated_at=now,
                updated_at=now,
            )
            act.append(locked.stream_id, *writing.told(written))
            act.publish(StateChanged(locked.pk))
        act.append(locked.stream_id, Item("state.updated", {"outcome": outcome}))
        act.record(locked, outcome=outcome, data={**writing.data, **written})


def _drop_questions(act: acts.Act, thread: Thread, snapshot: Any) -> None:
    """Drop the questions that the new state does not ask; it asks those left over anew."""
    asked = {question.id for question in snapshot.interrupts}
    for row in Interrupt.objects.open().filter(thread=thread).exclude(interrupt_id__in=asked):
        Interrupt.objects.filter(pk=row.pk).update(status=Interrupt.Status.DROPPED)
        act.append(thread.stream_id, Item("interrupt.dropped", {"interrupt_id": row.interrupt_id}))

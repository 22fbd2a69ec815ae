"""One moment of a thread's state, read as data: no graph is imported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from checkpoints_app.serde import DamagedValue
from checkpoints_app.services import inspecting
from threadhub.kernel.errors import NotVisible

if TYPE_CHECKING:
    from checkpoints_app.storage.inspecting import Inspected
    from threads_app.models import Thread

Outline = inspecting.Outline
Origin = inspecting.Origin
# Labels in the metadata of a fork's first checkpoint: its name, and who made it.
BRANCH, BY = "threadhub_branch", "threadhub_by"
MOST_NAMESPACES = 200
# What a channel of LangGraph's own begins with.
_INTERNAL = ("__", "branch:", "join:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A channel at one moment; `problem` says why its value is not there."""

    name: str
    # The class of the channel, such as LastValue; empty when the graph is not known.
    kind: str
    size: int
    digest: str
    encoding: str
    value: Any
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingWrite:
    """What a task wrote that no checkpoint holds yet."""

    node: str
    task_id: str
    channel: str
    size: int
    value: Any
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A checkpoint with its values."""

    outline: Outline
    ns: str
    channels: tuple[Channel, ...] = ()
    # LangGraph's own channels: triggers, barriers, tasks.
    internal: tuple[Channel, ...] = ()
    writes: tuple[PendingWrite, ...] = ()
    next: tuple[str, ...] = ()
    problem: str = ""

    def channel(self, name: str) -> Channel | None:
        """Return a channel by its name."""
        every = (*self.channels, *self.internal)
        return next((one for one in every if one.name == name), None)


def at(thread: Thread, checkpoint_id: str = "", ns: str = "") -> Moment:
    """Return the state at a checkpoint, the newest by default.

    Raises NotVisible where the thread has none. Two queries, and one read of the store.
    """
    key = thread.public_id
    ids = [checkpoint_id] if checkpoint_id else None
    found = inspecting.outlines(key=key, ns=ns, ids=ids, limit=1)
    if not found:
        raise NotVisible("There is no such checkpoint on this thread.")
    outline = found[0]
    try:
        read = inspecting.snapshot(key=key, ns=ns, checkpoint_id=outline.checkpoint_id)
    except DamagedValue as error:
        return Moment(outline=outline, ns=ns, problem=str(error))
    if read is None:
        raise NotVisible("There is no such checkpoint on this thread.")
    return _moment(outline, ns, read, _kinds(thread, ns))


def _kinds(thread: Thread, ns: str) -> Mapping[str, str]:
    # The description tells the channels of the graph itself, not those of its subgraphs.
    known = thread.graph.description.get("channels", {}) if thread.graph and not ns else {}
    return known if isinstance(known, Mapping) else {}


def _moment(outline: Outline, ns: str, read: Inspected, kinds: Mapping[str, str]) -> Moment:
    channels = [
        Channel(
            name=name,
            kind=kinds.get(name, ""),
            size=stored.size,
            digest=stored.digest,
            encoding=stored.kind,
            value=stored.value,
            problem=stored.problem,
        )
        for name, stored in sorted(read.channels.items())
    ]
    sent = inspecting.sent_nodes(read)
    return Moment(
        outline=outline,
        ns=ns,
        channels=tuple(one for one in channels if not _is_internal(one.name)),
        internal=tuple(one for one in channels if _is_internal(one.name)),
        writes=tuple(
            PendingWrite(
                node=inspecting.node_of(one.path, sent),
                task_id=one.task_id,
                channel=one.channel,
                size=one.stored.size,
                value=one.stored.value,
                problem=one.stored.problem,
            )
            for one in read.writes
        ),
        next=inspecting.upcoming(
            {name: stored.value for name, stored in read.channels.items()},
            outline.versions,
            outline.seen,
        ),
    )


def _is_internal(name: str) -> bool:
    return name.startswith(_INTERNAL) and name != "__root__"


def origins(thread: Thread, moment: Moment) -> dict[str, Origin | None]:
    """Return who wrote each channel; see `inspecting.origins`."""
    return inspecting.origins(key=thread.public_id, ns=moment.ns, of=moment.outline.checkpoint_id)


def namespaces(thread: Thread) -> list[str]:
    """Return the namespaces with checkpoints, newest first; the root's is empty. One query."""
    return inspecting.namespaces(key=thread.public_id, limit=MOST_NAMESPACES)

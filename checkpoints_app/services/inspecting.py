"""Checkpoints as pages show them: outlines without values, one moment with them, who wrote what."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db import DEFAULT_DB_ALIAS

from checkpoints_app.backends import Query
from checkpoints_app.models import Checkpoint, CheckpointHead, Scope, Write
from checkpoints_app.models.ids import pack_id
from checkpoints_app.selectors import created_at
from checkpoints_app.serde import Compressor, DamagedValue, DataSerializer, decode_data
from checkpoints_app.storage import packing, store_for
from checkpoints_app.storage.inspecting import Inspected, Inspector
from checkpoints_app.storage.manifest import Columns, Inline, Ref, from_body

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

PAGE = 50
# How far back the writer of a value is looked for.
FARTHEST = 1000
_BRANCH, _TASKS = "branch:to:", "__pregel_tasks"
_PULL, _PUSH = "~__pregel_pull, ", "~__pregel_push, "


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """A checkpoint without its values; `bytes` is what it added to the store."""

    checkpoint_id: str
    parent_id: str | None
    step: int | None
    source: str | None
    run_id: str | None
    created: datetime | None
    bytes: int
    metadata: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, Any] = field(default_factory=dict)
    seen: dict[str, Any] = field(default_factory=dict)
    # The nodes that run next; those of a long list of `Send`s are named only by the values.
    next: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Who wrote the value of a channel: the checkpoint it first stood in, and the nodes."""

    checkpoint: Outline
    nodes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A checkpoint and where it came from, for the tree."""

    checkpoint_id: str
    parent_id: str | None
    source: str | None
    metadata: dict[str, Any]


def outlines(
    *,
    key: str,
    ns: str = "",
    before: str = "",
    ids: Collection[str] | None = None,
    limit: int = PAGE,
    using: str = DEFAULT_DB_ALIAS,
) -> list[Outline]:
    """Return checkpoints of a namespace, newest first, in one query; values are not read."""
    rows = _rows(key, ns, using)
    if before:
        rows = rows.filter(checkpoint_id__lt=before)
    if ids is not None:
        rows = rows.filter(checkpoint_id__in=list(ids))
    return [_outline(row) for row in rows.order_by("-checkpoint_id")[:limit]]


def links(*, key: str, ns: str, limit: int, using: str = DEFAULT_DB_ALIAS) -> list[Link]:
    """Return how the newest checkpoints of a namespace descend, in one query."""
    columns = ("checkpoint_id", "parent_id", "source", "meta")
    rows: Any = _rows(key, ns, using).order_by("-checkpoint_id").values_list(*columns)
    return [
        Link(
            checkpoint_id=checkpoint_id,
            parent_id=parent_id,
            source=source,
            # Only people's changes say something that the tree shows.
            metadata=_metadata(meta) if source in ("update", "fork") else {},
        )
        for checkpoint_id, parent_id, source, meta in rows[:limit]
    ]


def namespaces(*, key: str, limit: int, using: str = DEFAULT_DB_ALIAS) -> list[str]:
    """Return the namespaces of a thread that hold checkpoints, newest first; the root is empty."""
    scopes = Scope.objects.using(using).filter(head__key=key, head__tombstone=None)
    return list(scopes.order_by("-pk").values_list("ns", flat=True)[:limit])


def head_id(*, key: str, using: str = DEFAULT_DB_ALIAS) -> str | None:
    """Return the newest checkpoint of the root namespace."""
    heads = CheckpointHead.objects.using(using).filter(key=key, tombstone=None)
    return heads.values_list("checkpoint_id", flat=True).first()


def snapshot(
    *, key: str, ns: str = "", checkpoint_id: str = "", using: str = DEFAULT_DB_ALIAS
) -> Inspected | None:
    """Return a checkpoint, the newest by default, with each value read by itself.

    Raises DamagedValue when even the list of its values cannot be read.
    """
    wanted = pack_id(checkpoint_id) if checkpoint_id else None
    inspector = Inspector(store_for(using), DataSerializer())
    return inspector.inspect(Query(key=key, ns=ns, checkpoint_id=wanted))


def nodes_between(outline: Outline, parent: Outline | None) -> tuple[str, ...]:
    """Return the nodes that ran to make a checkpoint of its parent, as far as it remembers."""
    before = parent.seen if parent else {}
    ran = (name for name, seen in outline.seen.items() if seen != before.get(name))
    return tuple(name for name in ran if name == "__start__" or not name.startswith("__"))


def origins(
    *, key: str, ns: str, of: str, using: str = DEFAULT_DB_ALIAS
) -> dict[str, Origin | None]:
    """Return who wrote each channel of a checkpoint; None where that is not known any more.

    A version names one step: the writer is found where the channel first had its version, by
    the writes kept there and else by the one node that ran.
    """
    located = _located(key, ns, of, using)
    parents = {found.parent_id for found, _ in located.values() if found and found.parent_id}
    writers = _writers(key, ns, parents, using)
    return {
        channel: Origin(
            checkpoint=found,
            nodes=writers.get((found.parent_id, channel)) or _only(nodes_between(found, parent)),
        )
        if found
        else None
        for channel, (found, parent) in located.items()
    }


def _only(nodes: tuple[str, ...]) -> tuple[str, ...]:
    return nodes if len(nodes) == 1 else ()


_Located = dict[str, tuple[Outline | None, Outline | None]]


def _located(key: str, ns: str, of: str, using: str) -> _Located:
    """Return for each channel the checkpoint in which it got its version, and that one's parent."""
    wanted: dict[str, Any] = {}
    located: _Located = {}
    current: Outline | None = None
    for outline in _ancestors(key, ns, of, using):
        if current is None:
            wanted = dict(outline.versions)
        else:
            _settle(wanted, located, current, outline)
            if not wanted:
                return located
        current = outline
    if current is not None and current.parent_id is None:
        _settle(wanted, located, current, None)
    return located | dict.fromkeys(wanted, (None, None))


def _settle(
    wanted: dict[str, Any], located: _Located, current: Outline, parent: Outline | None
) -> None:
    before = parent.versions if parent else {}
    for channel in [name for name, version in wanted.items() if before.get(name) != version]:
        located[channel] = (current, parent)
        del wanted[channel]


def _ancestors(key: str, ns: str, of: str, using: str) -> Iterator[Outline]:
    """Yield a checkpoint and those it descends from, newest first."""
    wanted: str | None = of
    page = outlines(key=key, ns=ns, ids=[of], limit=1, using=using)
    for _ in range(FARTHEST // PAGE):
        for outline in page:
            if outline.checkpoint_id == wanted:
                yield outline
                wanted = outline.parent_id
        if wanted is None or not page:
            return
        before = page[-1].checkpoint_id
        page = outlines(key=key, ns=ns, before=before, limit=PAGE, using=using)


def _writers(
    key: str, ns: str, parents: Collection[str], using: str
) -> dict[tuple[str | None, str], tuple[str, ...]]:
    """Return the nodes that wrote, by the checkpoint they started from and the channel."""
    # A head that was buried has no rows left.
    kept = Write.objects.using(using).filter(scope__head__key=key, scope__ns=ns)
    rows: Any = kept.filter(checkpoint_id__in=list(parents)).order_by("path", "idx")
    found: dict[tuple[str | None, str], dict[str, None]] = {}
    sent: dict[str, list[str]] = {}
    for checkpoint_id, channel, path in rows.values_list("checkpoint_id", "channel", "path"):
        if path.startswith(_PUSH) and checkpoint_id not in sent:
            sent[checkpoint_id] = _sent(key, ns, checkpoint_id, using)
        if node := node_of(path, sent.get(checkpoint_id, [])):
            found.setdefault((checkpoint_id, channel), {})[node] = None
    return {place: tuple(nodes) for place, nodes in found.items()}


def node_of(path: str, sent: list[str]) -> str:
    """Return the node of a task by its path; `sent` are the nodes of the checkpoint's `Send`s."""
    if path.startswith(_PULL):
        return path.removeprefix(_PULL)
    number = path.removeprefix(_PUSH)
    if path.startswith(_PUSH) and number.isdigit() and int(number) < len(sent):
        return sent[int(number)]
    return ""


def _sent(key: str, ns: str, checkpoint_id: str, using: str) -> list[str]:
    try:
        found = snapshot(key=key, ns=ns, checkpoint_id=checkpoint_id, using=using)
    except DamagedValue:
        return []
    return sent_nodes(found) if found else []


def sent_nodes(found: Inspected) -> list[str]:
    """Return the nodes that a checkpoint sent tasks to, in their order."""
    stored = found.channels.get(_TASKS)
    return list(_sends(stored.value)) if stored else []


def _rows(key: str, ns: str, using: str) -> QuerySet[Checkpoint]:
    return Checkpoint.objects.using(using).filter(
        scope__head__key=key, scope__head__tombstone=None, scope__ns=ns
    )


def _outline(row: Any) -> Outline:
    shown: dict[str, Any] = {
        "checkpoint_id": row.checkpoint_id,
        "parent_id": row.parent_id,
        "step": row.step,
        "source": row.source,
        "run_id": row.run_id,
        "created": created_at(row.checkpoint_id),
        "bytes": row.size,
    }
    try:
        raw = packing.unframe(row.body, Compressor())
        body = packing.decode_body(raw, DataSerializer())
        columns = Columns([bytes(ref) for ref in row.refs], row.logs, row.lens)
        checkpoint, manifest = from_body(body, columns)
    except DamagedValue as error:
        return Outline(**shown, problem=str(error))
    seen = checkpoint.get("versions_seen", {})
    return Outline(
        **shown,
        metadata=_metadata(row.meta),
        versions=manifest.versions,
        seen=seen,
        next=upcoming(_small(manifest.refs), manifest.versions, seen),
    )


def _metadata(meta: bytes | None) -> dict[str, Any]:
    try:
        return packing.decode_rest(packing.unframe(meta, Compressor()), DataSerializer())
    except DamagedValue:
        return {}


def upcoming(
    values: Mapping[str, Any], versions: dict[str, Any], seen: dict[str, Any]
) -> tuple[str, ...]:
    """Return the nodes that have been triggered and have not run since.

    Read from the channels by which LangGraph's graphs start their nodes.
    """
    found = []
    for channel, value in values.items():
        node = _triggered(channel, value)
        fresh = str(versions.get(channel, "")) > str(seen.get(node, {}).get(channel, ""))
        if node and fresh:
            found.append(node)
    return (*sorted(found), *_sends(values.get(_TASKS)))


def _triggered(channel: str, value: Any) -> str:
    if channel == "__start__":
        return channel
    if channel.startswith(_BRANCH):
        return channel.removeprefix(_BRANCH)
    _, is_join, rest = channel.partition("join:")
    awaited, _, node = rest.rpartition(":")
    # Waits until each of them has run; the names that have are its value.
    arrived = value.get("value", ()) if isinstance(value, dict) else ()
    return node if is_join and arrived and set(awaited.split("+")) <= set(arrived) else ""


def _sends(tasks: Any) -> tuple[str, ...]:
    sends = tasks if isinstance(tasks, list) else []
    held = [send.get("value") if isinstance(send, dict) else None for send in sends]
    return tuple(str(args[0]) if isinstance(args, list) and args else "" for args in held)


def _small(refs: Mapping[str, Ref]) -> dict[str, Any]:
    """Return the values that stand in the manifest itself, None for the others."""
    return {name: _decoded(ref) if isinstance(ref, Inline) else None for name, ref in refs.items()}


def _decoded(ref: Inline) -> Any:
    try:
        return decode_data(ref.kind, ref.data)
    except DamagedValue:
        return None

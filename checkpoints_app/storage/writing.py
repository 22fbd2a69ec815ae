"""The write path: one guarded statement per call, and what happens when it is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from checkpoints_app.backends import Accepted, Collision, Guard, Put, PutWrites
from checkpoints_app.models.head import KEY_MAX_LENGTH
from checkpoints_app.models.ids import pack_id
from checkpoints_app.serde.contract import (
    WRITES_IDX_MAP,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    RunnableConfig,
    get_checkpoint_metadata,
)

from . import packing
from .cache import HeadCache
from .drafting import Draft, checked_name
from .manifest import Columns, Manifest, from_body, to_body
from .refusals import BadAddress, StoreUnavailable, refusal

if TYPE_CHECKING:
    from checkpoints_app.serde import StateSerializer

    from .store import Shard, Store

_MOST_ATTEMPTS = 6


@dataclass(frozen=True, slots=True)
class Address:
    """Where a call points: thread key, namespace, and a checkpoint if it names one."""

    key: str
    ns: str
    checkpoint_id: str | None

    @classmethod
    def of(cls, config: RunnableConfig) -> Address:
        """Return the address in a config. Raises BadAddress."""
        place = config["configurable"]
        key = checked_key(str(place["thread_id"]))
        ns = checked_name(place.get("checkpoint_ns") or "", "Namespace")
        checkpoint_id = place.get("checkpoint_id")
        return cls(key, ns, checkpoint_id and checked_name(checkpoint_id, "Checkpoint id"))


def checked_key(key: str) -> str:
    """Return a thread key fit to store. Raises BadAddress."""
    if not key or len(key) > KEY_MAX_LENGTH:
        raise BadAddress(f"A thread id has 1 to {KEY_MAX_LENGTH} characters, not {len(key)}.")
    return checked_name(key, "Thread id")


class Writer:
    """Puts checkpoints and writes of one caller, who may own a fence."""

    def __init__(self, store: Store, serializer: StateSerializer, *, fence: int | None) -> None:
        self._store = store
        self._serializer = serializer
        self._fence = fence

    def put(
        self,
        address: Address,
        checkpoint: Checkpoint,
        metadata: dict[str, Any],
        new_versions: ChannelVersions,
    ) -> None:
        """Store a checkpoint. Raises UnreadableType, FenceLost."""
        checked_name(checkpoint["id"], "Checkpoint id")
        shard = self._store.shard(address.key)
        with shard.turn():
            for attempt in range(_MOST_ATTEMPTS):
                attempted = _Put(self, shard, address, appending=attempt == 0)
                if attempted.run(checkpoint, metadata, new_versions):
                    return
        raise _too_many(address.key)

    def put_writes(
        self, address: Address, writes: Sequence[tuple[str, Any]], task_id: str, path: str
    ) -> None:
        """Store the writes of a task. Raises UnreadableType, FenceLost."""
        if address.checkpoint_id is None:
            raise BadAddress("Pending writes need the id of their checkpoint.")
        checked_name(path, "Task path")
        checked_name(task_id, "Task id")
        shard = self._store.shard(address.key)
        with shard.turn():
            for _ in range(_MOST_ATTEMPTS):
                if self._try_writes(shard, address, writes, (task_id, path)):
                    return
        raise _too_many(address.key)

    def _try_writes(
        self,
        shard: Shard,
        address: Address,
        writes: Sequence[tuple[str, Any]],
        task: tuple[str, str],
    ) -> bool:
        cache = shard.heads.get(address.key)
        draft = Draft(self._serializer, shard.compressor, cache)
        rows = draft.writes(writes)
        if not rows:
            return True
        put = PutWrites(
            self.guard(address.key, cache),
            address.ns,
            cache.scopes.get(address.ns) if cache else None,
            pack_id(cast("str", address.checkpoint_id)),
            pack_id(task[0]),
            task[1],
            all(channel in WRITES_IDX_MAP for channel, _ in writes),
            rows,
            list(draft.blobs.values()),
        )
        accepted = shard.run(lambda wrapper: shard.backend.put_writes(wrapper, put))
        return self.settle(shard, address, draft, accepted) is not None

    def delete(self, key: str) -> None:
        """Bury a thread and delete all its rows; nothing happens when there is none.

        Raises FenceLost.
        """
        shard = self._store.shard(key)
        guard = Guard(key, self._fence)
        with shard.turn():
            shard.heads.drop(key)
            if shard.run(lambda wrapper: shard.backend.delete(wrapper, guard)):
                return
            head = shard.run(lambda wrapper: shard.backend.head(wrapper, key))
            refused = refusal(guard, head)
            if head is not None and refused is not None:
                raise refused

    def guard(self, key: str, cache: HeadCache | None) -> Guard:
        """Return the condition the next statement names."""
        return Guard(key, self._fence, cache.epoch if cache else None)

    def settle(
        self, shard: Shard, address: Address, draft: Draft, accepted: Accepted | None
    ) -> HeadCache | None:
        """Remember an accepted write; explain a refused one, None when it is worth another try."""
        if accepted is None:
            self._explain(shard, address.key)
            return None
        cache = shard.heads.get(address.key)
        if cache is None or cache.epoch != accepted.epoch:
            cache = HeadCache(accepted.head_id, accepted.epoch)
            shard.heads.put(address.key, cache)
        cache.scopes.put(address.ns, accepted.scope_id)
        draft.settle(cache)
        return cache

    def _explain(self, shard: Shard, key: str) -> None:
        shard.heads.drop(key)
        head = shard.run(lambda wrapper: shard.backend.head(wrapper, key))
        refused = refusal(Guard(key, self._fence), head)
        if refused is None:
            return
        # Whoever owns no fence may begin a thread; an owner's thread exists or is gone.
        if head is None and self._fence is None:
            shard.run(lambda wrapper: shard.backend.create_head(wrapper, key))
            return
        raise refused

    @property
    def serializer(self) -> StateSerializer:
        """Return the serializer in use."""
        return self._serializer


class _Put:
    """One attempt to store a checkpoint."""

    def __init__(self, writer: Writer, shard: Shard, address: Address, *, appending: bool) -> None:
        self._writer = writer
        self._shard = shard
        self._address = address
        self._appending = appending

    def run(
        self, checkpoint: Checkpoint, metadata: dict[str, Any], new_versions: ChannelVersions
    ) -> bool:
        """Tell whether the checkpoint was stored; False to try again. Raises FenceLost."""
        shard, address = self._shard, self._address
        parent = self._parent()
        cache = shard.heads.get(address.key)
        draft = Draft(
            self._writer.serializer,
            shard.compressor,
            cache,
            appending=self._appending,
            log_rows=self._log_rows,
        )
        refs = draft.refs(checkpoint, new_versions, parent)
        body, columns = to_body(cast("dict[str, Any]", checkpoint), refs)
        put = self._rows(draft, checkpoint["id"], body, columns, metadata)
        try:
            accepted = shard.run(lambda wrapper: shard.backend.put(wrapper, put))
        except Collision:
            shard.heads.drop(address.key)
            return False
        settled = self._writer.settle(shard, address, draft, accepted)
        if settled is None:
            return False
        manifest = Manifest(dict(checkpoint["channel_versions"]), refs)
        settled.manifests.put((address.ns, put.checkpoint_id), manifest)
        return True

    def _rows(
        self,
        draft: Draft,
        checkpoint_id: str,
        body: dict[str, Any],
        columns: Columns,
        metadata: dict[str, Any],
    ) -> Put:
        address, cache = self._address, self._shard.heads.get(self._address.key)
        meta = packing.Metadata.of(metadata)
        serializer, compressor = self._writer.serializer, self._shard.compressor
        return Put(
            guard=self._writer.guard(address.key, cache),
            ns=address.ns,
            scope_id=cache.scopes.get(address.ns) if cache else None,
            checkpoint_id=pack_id(checkpoint_id),
            parent_id=pack_id(address.checkpoint_id) if address.checkpoint_id else None,
            step=meta.step,
            source=meta.source,
            run_id=pack_id(meta.run_id) if meta.run_id is not None else None,
            meta=packing.pack_rest(meta.rest, serializer, compressor),
            body=packing.pack_body(body, serializer, compressor),
            refs=columns.refs,
            logs=columns.logs,
            lens=columns.lens,
            head_checkpoint=None if address.ns else checkpoint_id,
            blobs=list(draft.blobs.values()),
            items=draft.items,
        )

    def _parent(self) -> Manifest | None:
        address, shard = self._address, self._shard
        if address.checkpoint_id is None:
            return None
        parent_id = pack_id(address.checkpoint_id)
        cache = shard.heads.get(address.key)
        found = cache.manifests.get((address.ns, parent_id)) if cache else None
        return found or self._stored_parent(parent_id)

    def _stored_parent(self, parent_id: bytes) -> Manifest | None:
        address, shard = self._address, self._shard
        row = shard.run(
            lambda wrapper: shard.backend.manifest(wrapper, address.key, address.ns, parent_id)
        )
        if row is None:
            return None
        cache = shard.heads.get(address.key)
        if cache is None or cache.epoch != row.epoch:
            cache = HeadCache(row.head_id, row.epoch)
            shard.heads.put(address.key, cache)
        body = packing.decode_body(
            packing.unframe(row.body, shard.compressor), self._writer.serializer
        )
        columns = Columns([bytes(ref) for ref in row.refs], row.logs, row.lens)
        _, manifest = from_body(body, columns)
        cache.scopes.put(address.ns, row.scope_id)
        cache.manifests.put((address.ns, parent_id), manifest)
        return manifest

    def _log_rows(self, logs: list[int]) -> Any:
        shard = self._shard
        cache = shard.heads.get(self._address.key)
        if cache is None:
            return []
        return shard.run(lambda wrapper: shard.backend.log_rows(wrapper, cache.head_id, logs))


def _too_many(key: str) -> Exception:
    return StoreUnavailable(f"Thread {key!r} is written by too many at once; try again.")


def metadata_of(config: RunnableConfig, metadata: CheckpointMetadata) -> dict[str, Any]:
    """Return the metadata to store for a config."""
    return cast("dict[str, Any]", get_checkpoint_metadata(config, metadata))

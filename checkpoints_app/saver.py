"""LangGraph's checkpointer over the store."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from itertools import islice
from secrets import token_hex
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import DEFAULT_DB_ALIAS
from langgraph.checkpoint.base import (
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
)

from checkpoints_app import storage
from checkpoints_app.backends import Query
from checkpoints_app.models.ids import pack_id
from checkpoints_app.serde import StateSerializer

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig

ResultT = TypeVar("ResultT")
_ASYNC_PAGE = 50


class ThreadHubSaver(BaseCheckpointSaver[str]):
    """Stores checkpoints in ThreadHub's database, from any thread or event loop.

    All savers of a process share the connections and caches of a database. Calls inside an
    open `atomic()` of the calling thread raise InsideTransaction.
    """

    serde: StateSerializer

    def __init__(
        self, *, serde: StateSerializer | None = None, alias: str = DEFAULT_DB_ALIAS
    ) -> None:
        super().__init__(serde=serde or StateSerializer())
        self._alias = alias
        self._bound: tuple[str, int] | None = None
        self._labels: dict[str, Any] = {}

    def bound(
        self, *, key: str, fence: int, labels: Mapping[str, Any] | None = None
    ) -> ThreadHubSaver:
        """Return a copy whose writes to this thread name this fence; others name none.

        What it puts carries the labels in its metadata.
        """
        clone = copy.copy(self)
        clone._bound = (key, fence)
        clone._labels = dict(labels or {})
        return clone

    def close(self) -> None:
        """Close this process's connections to the store and forget its caches."""
        storage.reset(self._alias)

    reset = close

    def get_next_version(self, current: str | None, channel: None) -> str:
        """Return the version after `current`: a 32-digit count and a random tail."""
        count = 0 if current is None else int(str(current).split(".", 1)[0])
        return f"{count + 1:032}.{token_hex(4)}"

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Store a checkpoint. Raises UnreadableType, FenceLost."""
        address = self._address(config)
        merged = storage.metadata_of(config, metadata) | self._labels
        self._writer(address.key).put(address, checkpoint, merged, new_versions)
        return _stored(config, address, checkpoint)

    def put_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Store what a task wrote. Raises UnreadableType, FenceLost."""
        address = self._address(config)
        self._writer(address.key).put_writes(address, writes, task_id, task_path)

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Return the named or else the newest checkpoint. Raises BlockedType, DamagedValue."""
        return self._reader().latest(_one(self._address(config)))

    def list(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002  # LangGraph's name
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> Iterator[CheckpointTuple]:
        """Yield checkpoints, newest first; without a config those of every thread."""
        storage.refuse_inside_transaction(self._alias)
        return self._reader().each(_many(config, before), filter or {}, limit)

    def delete_thread(self, thread_id: str) -> None:
        """Delete everything of a thread; later writes to it are refused. Raises FenceLost."""
        storage.refuse_inside_transaction(self._alias)
        key = storage.checked_key(str(thread_id))
        self._writer(key).delete(key)

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Store a checkpoint after every call submitted before. Raises as `put`."""
        address = self._address(config)
        merged = storage.metadata_of(config, metadata) | self._labels
        writer = self._writer(address.key)
        await self._queued(
            address.key, lambda: writer.put(address, checkpoint, merged, new_versions)
        )
        return _stored(config, address, checkpoint)

    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Store what a task wrote. Raises as `put_writes`."""
        address = self._address(config)
        writer = self._writer(address.key)
        await self._queued(
            address.key, lambda: writer.put_writes(address, writes, task_id, task_path)
        )

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Return the named or else the newest checkpoint. Raises as `get_tuple`."""
        address = self._address(config)
        reader = self._reader()
        return await self._queued(address.key, lambda: reader.latest(_one(address)))

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002  # LangGraph's name
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """Yield checkpoints, newest first; without a config those of every thread."""
        storage.refuse_inside_transaction(self._alias)
        query = _many(config, before)
        found = self._reader().each(query, filter or {}, limit)
        while page := await self._queued(query.key, lambda: [*islice(found, _ASYNC_PAGE)]):
            for item in page:
                yield item

    async def adelete_thread(self, thread_id: str) -> None:
        """Delete everything of a thread. Raises as `delete_thread`."""
        storage.refuse_inside_transaction(self._alias)
        key = storage.checked_key(str(thread_id))
        writer = self._writer(key)
        await self._queued(key, lambda: writer.delete(key))

    def _address(self, config: RunnableConfig) -> storage.Address:
        storage.refuse_inside_transaction(self._alias)
        return storage.Address.of(config)

    def _writer(self, key: str) -> storage.Writer:
        fence = self._bound[1] if self._bound and self._bound[0] == key else None
        return storage.Writer(storage.store_for(self._alias), self.serde, fence=fence)

    def _reader(self) -> storage.Reader:
        return storage.Reader(storage.store_for(self._alias), self.serde)

    async def _queued(self, key: str | None, call: Callable[[], ResultT]) -> ResultT:
        """Run a call on the one thread that serves this key, after what is queued there."""
        executor = storage.store_for(self._alias).shard(key).executor
        return await asyncio.get_running_loop().run_in_executor(executor, call)


def _stored(
    config: RunnableConfig, address: storage.Address, checkpoint: Checkpoint
) -> RunnableConfig:
    return {
        "configurable": {
            "thread_id": config["configurable"]["thread_id"],
            "checkpoint_ns": address.ns,
            "checkpoint_id": checkpoint["id"],
        }
    }


def _one(address: storage.Address) -> Query:
    wanted = address.checkpoint_id
    return Query(address.key, address.ns, pack_id(wanted) if wanted else None)


def _many(config: RunnableConfig | None, before: RunnableConfig | None) -> Query:
    place: dict[str, Any] = config["configurable"] if config else {}
    key = place.get("thread_id")
    wanted = place.get("checkpoint_id")
    earlier = before["configurable"].get("checkpoint_id") if before else None
    return Query(
        key=None if key is None else storage.checked_key(str(key)),
        ns=place.get("checkpoint_ns"),
        checkpoint_id=pack_id(wanted) if wanted else None,
        before=pack_id(earlier) if earlier else None,
    )

"""The store of a process: a few connections of its own, and what it remembers.

Django's thread-local connections are not used: LangGraph calls from short-lived threads,
each of which would open a server connection and leave it behind.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from copy import deepcopy
from typing import TYPE_CHECKING, TypeVar
from zlib import crc32

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections
from django.db.utils import load_backend

from checkpoints_app.backends import Backend, backend_for
from checkpoints_app.serde import Compressor
from threadhub.kernel.transactions import FairLock

from .cache import HeadCache, Recent
from .refusals import InsideTransaction, StoreUnavailable

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

logger = logging.getLogger(__name__)
ResultT = TypeVar("ResultT")

_HEADS_REMEMBERED = 256


def _outside_loop(call: Callable[[], ResultT]) -> ResultT:
    """Call where Django allows it: it opens and closes no connection under an event loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return call()
    with ThreadPoolExecutor(1) as helper:
        return helper.submit(call).result()


def _open(alias: str) -> BaseDatabaseWrapper:
    settings = deepcopy(connections.settings[alias])
    # A pool would lend this connection and never get it back.
    settings["OPTIONS"].pop("pool", None)
    settings["CONN_MAX_AGE"] = None
    wrapper: BaseDatabaseWrapper = load_backend(settings["ENGINE"]).DatabaseWrapper(settings, alias)
    wrapper.inc_thread_sharing()
    wrapper.ensure_connection()
    return wrapper


def _unavailable(error: Exception) -> StoreUnavailable:
    return StoreUnavailable(f"The checkpoint store does not answer: {error}")


class Shard:
    """One connection, its turn-taking, and the caches of the threads that map to it."""

    def __init__(self, alias: str, backend: Backend, number: int) -> None:
        self.backend = backend
        self.compressor = Compressor()
        self.heads: Recent[str, HeadCache] = Recent(_HEADS_REMEMBERED)
        self._alias = alias
        self._turns = FairLock()
        self._wrapper: BaseDatabaseWrapper | None = None
        self._executor = ThreadPoolExecutor(1, f"checkpoints-{alias}-{number}")

    @property
    def executor(self) -> ThreadPoolExecutor:
        """Return the one worker that async calls queue for, in order."""
        return self._executor

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Hold the shard; callers get it in order of arrival."""
        self._turns.acquire()
        try:
            yield
        finally:
            self._turns.release()

    def run(self, statement: Callable[[BaseDatabaseWrapper], ResultT]) -> ResultT:
        """Run a statement within a turn, once more when the connection was lost.

        Raises StoreUnavailable when the database is at fault.
        """
        try:
            return self._run(statement)
        except self.backend.unavailable as error:
            raise _unavailable(error) from error

    def _run(self, statement: Callable[[BaseDatabaseWrapper], ResultT]) -> ResultT:
        wrapper = self._connected()
        try:
            return statement(wrapper)
        except self.backend.unavailable as error:
            if not self.backend.is_lost(wrapper):
                raise
            logger.warning("A checkpoint connection was lost", extra={"error": str(error)})
            self.disconnect()
        return statement(self._connected())

    def _connected(self) -> BaseDatabaseWrapper:
        if self._wrapper is None or self._wrapper.connection is None:
            try:
                wrapper = _outside_loop(lambda: _open(self._alias))
            except DatabaseError as error:
                raise _unavailable(error) from error
            self.backend.opened(wrapper)
            self._wrapper = wrapper
        return self._wrapper

    def disconnect(self) -> None:
        """Close the connection; the next statement opens another."""
        wrapper, self._wrapper = self._wrapper, None
        if wrapper is not None:
            _outside_loop(wrapper.close)

    def close(self) -> None:
        """Wait for running calls, then close the connection."""
        self._executor.shutdown(wait=True)
        with self.turn():
            self.disconnect()


class Store:
    """The shards of one database: a thread always goes to the same one, which keeps its order."""

    def __init__(self, alias: str, backend: Backend | None = None) -> None:
        self.alias = alias
        self.backend = backend or backend_for(connections[alias].vendor)
        self.shards = [Shard(alias, self.backend, at) for at in range(self.backend.connections)]

    def shard(self, key: str | None) -> Shard:
        """Return the shard of a thread; reads across threads use the first."""
        if key is None:
            return self.shards[0]
        return self.shards[crc32(key.encode("utf-8", "replace")) % len(self.shards)]

    def close(self) -> None:
        """Close every connection."""
        for shard in self.shards:
            shard.close()


_stores: dict[str, Store] = {}
_guard = threading.Lock()
# A child process must neither use nor close the sockets of its parent.
_inherited: list[dict[str, Store]] = []


def store_for(alias: str = DEFAULT_DB_ALIAS) -> Store:
    """Return this process's store of a database."""
    found = _stores.get(alias)
    if found is None:
        with _guard:
            found = _stores.setdefault(alias, _stores.get(alias) or Store(alias))
    return found


def reset(alias: str = DEFAULT_DB_ALIAS) -> None:
    """Close this process's connections and forget every cache."""
    with _guard:
        store = _stores.pop(alias, None)
    if store is not None:
        store.close()


def _forget_parent() -> None:
    global _stores, _guard
    _inherited.append(_stores)
    _stores, _guard = {}, threading.Lock()


os.register_at_fork(after_in_child=_forget_parent)


def refuse_inside_transaction(alias: str) -> None:
    """Raise InsideTransaction when the calling thread has a transaction open."""
    for connection in connections.all(initialized_only=True):
        if connection.alias == alias and connection.in_atomic_block:
            raise InsideTransaction(
                "Checkpoints are written on connections of their own: close the transaction "
                "before the graph or its state is touched."
            )

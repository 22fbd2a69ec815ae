"""LangGraph's store over the memories of people."""

from __future__ import annotations

import asyncio
import copy
import logging
from collections.abc import Iterable
from functools import cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS
from langgraph.store.base import (
    BaseStore,
    GetOp,
    Item,
    ListNamespacesOp,
    Op,
    PutOp,
    Result,
    SearchItem,
    SearchOp,
    TTLConfig,
    validate_op_namespace,
)

from checkpoints_app import storage
from checkpoints_app.storage import Batch, Remembered

logger = logging.getLogger(__name__)


class ThreadHubStore(BaseStore):
    """Keeps items in ThreadHub's database, from any thread or event loop.

    Each person has a memory of their own: two may use the same namespace and key without
    seeing each other. Items that have expired are not returned, swept or not. There is no
    embedding: `query` and `index` are accepted, and search is by filter. Calls inside an open
    `atomic()` of the calling thread raise InsideTransaction.
    """

    supports_ttl = True

    def __init__(self, *, ttl: TTLConfig | None = None, alias: str = DEFAULT_DB_ALIAS) -> None:
        self.ttl_config = ttl
        self._alias = alias
        self._owner: int | None = None
        self._fence: tuple[str, int] | None = None

    def for_actor(self, user_id: int) -> ThreadHubStore:
        """Return a copy that reads and writes this person's memory."""
        clone = copy.copy(self)
        clone._owner = user_id
        return clone

    def bound(self, *, key: str, fence: int) -> ThreadHubStore:
        """Return a copy whose changes are refused once the thread has another owner."""
        clone = copy.copy(self)
        clone._fence = (key, fence)
        return clone

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Do several operations in one transaction; reads see what was there before.

        Raises BadNamespace, BadItem, BadQuery, FenceLost, StoreUnavailable.
        """
        ops = list(ops)
        memory, asked = self._memory(), _batch(ops)
        return _results(ops, memory.run(asked))

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """Do several operations after every call submitted before. Raises as `batch`."""
        ops = list(ops)
        memory, asked = self._memory(), _batch(ops)
        answers = await asyncio.get_running_loop().run_in_executor(
            memory.executor, memory.run, asked
        )
        return _results(ops, answers)

    def _memory(self) -> storage.Memory:
        if self._owner is None:
            raise RuntimeError("Say whose memory it is: ThreadHubStore().for_actor(user_id).")
        storage.refuse_inside_transaction(self._alias)
        store = storage.store_for(self._alias)
        return storage.Memory(store, owner=self._owner, fence=self._fence)


def _batch(ops: list[Op]) -> Batch:
    asked = Batch()
    for op in ops:
        validate_op_namespace(op)
        _add(asked, op)
    return asked


def _add(asked: Batch, op: Op) -> None:
    if isinstance(op, GetOp):
        asked.get(op.namespace, str(op.key), refresh=op.refresh_ttl)
    elif isinstance(op, SearchOp):
        if op.query:
            _say_that_search_is_by_filter()
        asked.search(
            op.namespace_prefix,
            wanted=op.filter,
            limit=op.limit,
            offset=op.offset,
            refresh=op.refresh_ttl,
        )
    elif isinstance(op, ListNamespacesOp):
        conditions = [(found.match_type, found.path) for found in op.match_conditions or ()]
        asked.namespaces(conditions, max_depth=op.max_depth, limit=op.limit, offset=op.offset)
    elif isinstance(op, PutOp) and op.value is None:
        asked.delete(op.namespace, str(op.key))
    elif isinstance(op, PutOp):
        asked.put(op.namespace, str(op.key), op.value, ttl=op.ttl)
    else:
        raise TypeError(f"{type(op).__name__} is no operation of a store.")


@cache
def _say_that_search_is_by_filter() -> None:
    # Once a process: a graph may search at every step.
    logger.warning(
        "A graph searches its store by meaning (query). There is no embedding here: the search "
        "is by namespace and filter, latest first, and the query is not used."
    )


def _results(ops: list[Op], answers: list[Any]) -> list[Result]:
    return [_result(op, answer) for op, answer in zip(ops, answers, strict=True)]


def _result(op: Op, answer: Any) -> Result:
    if isinstance(op, SearchOp):
        return [SearchItem(**_parts(found)) for found in answer]
    return Item(**_parts(answer)) if isinstance(answer, Remembered) else answer


def _parts(found: Remembered) -> dict[str, Any]:
    return {
        "namespace": found.namespace,
        "key": found.key,
        "value": found.value,
        "created_at": found.created_at,
        "updated_at": found.updated_at,
    }

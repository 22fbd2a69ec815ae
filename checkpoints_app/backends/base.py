"""What a database must be able to do for the store."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from .conditions import guarded

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

    from checkpoints_app.serde import Compressor

    from .rows import (
        Accepted,
        Guard,
        Header,
        HeadState,
        LogRow,
        ManifestRow,
        Put,
        PutWrites,
        Query,
        Record,
    )


class Backend(ABC):
    """The statements of one database, on connections that the store owns."""

    connections: ClassVar[int]
    mark: ClassVar[str]
    # What the driver raises when the database, not the statement, is at fault.
    unavailable: ClassVar[tuple[type[Exception], ...]]

    def guard(self, guard: Guard) -> tuple[str, list[Any]]:
        """Return the condition every write names inside its own statement."""
        return guarded(guard, self.mark)

    @abstractmethod
    def opened(self, wrapper: BaseDatabaseWrapper) -> None:
        """Prepare a fresh connection."""

    @abstractmethod
    def is_lost(self, wrapper: BaseDatabaseWrapper) -> bool:
        """Tell whether the connection died and another one may do better."""

    @abstractmethod
    def transaction(self, wrapper: BaseDatabaseWrapper) -> AbstractContextManager[object]:
        """Open a write transaction."""

    @abstractmethod
    def rows(
        self, wrapper: BaseDatabaseWrapper, sql: str, params: Sequence[Any]
    ) -> list[tuple[Any, ...]]:
        """Run a statement and return its rows."""

    @abstractmethod
    def moment(self, value: datetime) -> Any:
        """Return a time as the database compares it."""

    @abstractmethod
    def hold(self, wrapper: BaseDatabaseWrapper, guard: Guard) -> bool:
        """Lock a head for the transaction as it is; False when the guard refuses."""

    @abstractmethod
    def take_turns(self, wrapper: BaseDatabaseWrapper, owner: int) -> None:
        """Let one transaction at a time change several items of a person's."""

    @abstractmethod
    def put(self, wrapper: BaseDatabaseWrapper, put: Put) -> Accepted | None:
        """Write a checkpoint; None when the guard refused. Raises Collision."""

    @abstractmethod
    def put_writes(self, wrapper: BaseDatabaseWrapper, put: PutWrites) -> Accepted | None:
        """Write pending writes; None when the guard refused."""

    @abstractmethod
    def delete(self, wrapper: BaseDatabaseWrapper, guard: Guard) -> bool:
        """Bury the head and delete its rows; False when the guard refused."""

    @abstractmethod
    def create_head(self, wrapper: BaseDatabaseWrapper, key: str) -> None:
        """Insert a head unless it exists."""

    @abstractmethod
    def head(self, wrapper: BaseDatabaseWrapper, key: str) -> HeadState | None:
        """Return the state of a head."""

    @abstractmethod
    def manifest(
        self, wrapper: BaseDatabaseWrapper, key: str, ns: str, checkpoint_id: bytes
    ) -> ManifestRow | None:
        """Return a checkpoint's references."""

    @abstractmethod
    def log_rows(
        self, wrapper: BaseDatabaseWrapper, head_id: int, logs: Sequence[int]
    ) -> list[LogRow]:
        """Return the item hashes of some logs, by log and position."""

    @abstractmethod
    def headers(self, wrapper: BaseDatabaseWrapper, query: Query) -> list[Header]:
        """Return what metadata filters need."""

    @abstractmethod
    def fetch(
        self, wrapper: BaseDatabaseWrapper, query: Query, compressor: Compressor
    ) -> list[Record]:
        """Return checkpoints with their values and pending writes."""

"""What goes to the database and what comes back, the same for every backend."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from checkpoints_app.serde import Compressor


class Collision(Exception):
    """Another writer has appended to the same list log; nothing was written."""


@dataclass(frozen=True, slots=True)
class Guard:
    """What must hold, inside the writing statement, for a write to happen.

    Without a fence the head must not be held; without an epoch no cache was relied on.
    """

    key: str
    fence: int | None = None
    epoch: int | None = None


class BlobRow(NamedTuple):
    """A value to store once."""

    hash: bytes
    codec: int
    kind: str
    data: bytes


class ItemRow(NamedTuple):
    """Elements to append to a list log."""

    log: int
    pos: int
    count: int  # type: ignore[assignment]  # tuples have a method of that name
    hash: bytes
    hashes: bytes


class WriteRow(NamedTuple):
    """One pending write; small values stand in the row."""

    idx: int
    channel: str
    kind: str
    hash: bytes | None
    value: bytes | None


@dataclass(slots=True)
class Put:
    """A checkpoint with everything it brings along."""

    guard: Guard
    ns: str
    scope_id: int | None
    checkpoint_id: bytes
    parent_id: bytes | None
    step: int | None
    source: str | None
    run_id: bytes | None
    meta: bytes | None
    body: bytes
    refs: list[bytes]
    logs: list[int]
    lens: list[int]
    # The id as text when the head follows this checkpoint: it does for the root namespace.
    head_checkpoint: str | None
    blobs: list[BlobRow] = field(default_factory=list)
    items: list[ItemRow] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Return the bytes this put adds."""
        return len(self.body) + sum(len(blob.data) for blob in self.blobs)


@dataclass(slots=True)
class PutWrites:
    """The writes of one task."""

    guard: Guard
    ns: str
    scope_id: int | None
    checkpoint_id: bytes
    task_id: bytes
    path: str
    replace: bool
    rows: list[WriteRow]
    blobs: list[BlobRow] = field(default_factory=list)


class Accepted(NamedTuple):
    """Where an accepted write went."""

    head_id: int
    epoch: int
    scope_id: int


class HeadState(NamedTuple):
    """What the head says, to explain a refusal."""

    fence: int
    held: bool
    buried: bool
    epoch: int


class ManifestRow(NamedTuple):
    """A stored manifest, without its values."""

    head_id: int
    epoch: int
    scope_id: int
    body: bytes
    refs: list[bytes]
    logs: list[int]
    lens: list[int]


class LogRow(NamedTuple):
    """The hashes of a stored log item."""

    log: int
    pos: int
    count: int  # type: ignore[assignment]  # tuples have a method of that name
    hash: bytes
    hashes: bytes


@dataclass(frozen=True, slots=True)
class Query:
    """Which checkpoints to read, newest first. None leaves a condition out."""

    key: str | None = None
    ns: str | None = None
    checkpoint_id: bytes | None = None
    before: bytes | None = None
    step: int | None = None
    source: str | None = None
    run_id: bytes | None = None
    # Continue after this (checkpoint id, scope) of the page before.
    after: tuple[bytes, int] | None = None
    pairs: tuple[tuple[int, bytes], ...] | None = None
    limit: int | None = None


class Header(NamedTuple):
    """The part of a checkpoint that metadata filters look at."""

    scope_id: int
    checkpoint_id: bytes
    step: int | None
    source: str | None
    run_id: bytes | None
    meta: bytes | None


class StoredWrite(NamedTuple):
    """A pending write as read."""

    task_id: bytes
    idx: int
    path: str
    channel: str
    kind: str
    hash: bytes | None
    value: bytes | None


class Slice(NamedTuple):
    """Elements of a list log as read, decompressed."""

    pos: int
    count: int  # type: ignore[assignment]  # tuples have a method of that name
    data: bytes


@dataclass(slots=True)
class Record:
    """One checkpoint with the decompressed values it refers to."""

    head_id: int
    epoch: int
    key: str
    ns: str
    scope_id: int
    checkpoint_id: bytes
    parent_id: bytes | None
    step: int | None
    source: str | None
    run_id: bytes | None
    meta: bytes | None
    body: bytes
    refs: list[bytes]
    logs: list[int]
    lens: list[int]
    blobs: dict[bytes, tuple[str, bytes]] = field(default_factory=dict)
    slices: dict[int, list[Slice]] = field(default_factory=dict)
    writes: list[StoredWrite] = field(default_factory=list)


class Unpacker:
    """Decompresses each value of a page once."""

    def __init__(self, compressor: Compressor) -> None:
        self._compressor = compressor
        self._known: dict[tuple[int, bytes], bytes] = {}

    def __call__(self, head_id: int, hash_: bytes, codec: int, data: bytes) -> bytes:
        """Return the value that is stored under a hash of a head."""
        found = self._known.get((head_id, hash_))
        if found is None:
            found = self._compressor.decompress(codec, bytes(data))
            self._known[head_id, hash_] = found
        return found

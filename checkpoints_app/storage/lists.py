"""List channels as append logs: which elements are new, and where they go."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from checkpoints_app.models.fields import split_hashes
from checkpoints_app.serde import DamagedValue, content_hash

if TYPE_CHECKING:
    from checkpoints_app.backends.rows import LogRow

    from .manifest import ListRef

# A shorter common prefix is not worth a second log to read.
_WORTH_SHARING = 4
# Each slice costs a look-up per read.
_MOST_SLICES = 8

Slices = tuple[tuple[int, int], ...]
KnownHashes = Callable[[Slices], list[bytes]]


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a list version stands: its slices, and the elements to append from `start`."""

    slices: Slices
    log: int
    start: int


def array_header(count: int) -> bytes:
    """Return the msgpack header of an array."""
    if count < 16:
        return bytes([0x90 | count])
    if count < 1 << 16:
        return b"\xdc" + count.to_bytes(2, "big")
    return b"\xdd" + count.to_bytes(4, "big")


def strip_header(data: bytes) -> bytes:
    """Return the elements of an encoded array, joined. Raises DamagedValue."""
    first = data[0] if data else 0
    if 0x90 <= first <= 0x9F:
        return data[1:]
    if first in (0xDC, 0xDD):
        return data[3 if first == 0xDC else 5 :]
    raise DamagedValue("A stored list item is not a list.")


def element_hash(encoded: bytes) -> bytes:
    """Return the hash of an element: that of a list of it alone, which a write may share."""
    return content_hash("msgpack", b"\x91" + encoded)


def item_hashes(row: LogRow) -> list[bytes]:
    """Return the element hashes of a stored item."""
    return [bytes(row.hash)] if not row.hashes else split_hashes(bytes(row.hashes))


def assemble(slices: Slices, rows: Sequence[LogRow]) -> list[bytes]:
    """Return the element hashes from the list's start to the end of its last log."""
    by_log: dict[int, list[LogRow]] = {log: [] for log, _ in slices}
    for row in rows:
        by_log[row.log].append(row)
    hashes: list[bytes] = []
    for log, length in slices:
        for row in by_log[log]:
            hashes[row.pos :] = item_hashes(row)
        if log != slices[-1][0]:
            del hashes[length:]
    return hashes


def _common_prefix(left: Sequence[bytes], right: Sequence[bytes]) -> int:
    shorter = min(len(left), len(right))
    if left[:shorter] == right[:shorter]:
        return shorter
    return next(at for at in range(shorter) if left[at] != right[at])


def _cut(slices: Slices, length: int) -> Slices:
    """Return the slices that cover the first elements of a list."""
    kept: list[tuple[int, int]] = []
    for log, end in slices:
        kept.append((log, min(end, length)))
        if end >= length:
            break
    return tuple(kept)


def place(
    hashes: list[bytes], previous: ListRef | None, known: KnownHashes, *, appending: bool
) -> Placement:
    """Decide how to store a list after its previous version.

    Without `appending` no existing log is continued, because another writer may own its end.
    """
    size = len(hashes)
    if previous is not None:
        # What the last log holds beyond the previous version may be this very list.
        before = known(previous.slices)
        last, length = previous.slices[-1]
        whole = (*previous.slices[:-1], (last, len(before)))
        shared = _common_prefix(hashes, before)
        if shared == size:
            return Placement(_cut(whole, size), last, size)
        if shared == len(before) >= length and appending:
            return Placement((*previous.slices[:-1], (last, size)), last, shared)
        prefix = _cut(whole, shared)
        if shared >= _WORTH_SHARING and len(prefix) < _MOST_SLICES:
            log = new_log()
            return Placement((*prefix, (log, size)), log, shared)
    log = new_log()
    return Placement(((log, size),), log, 0)


def new_log() -> int:
    """Return a log number nobody else draws."""
    return secrets.randbits(62)

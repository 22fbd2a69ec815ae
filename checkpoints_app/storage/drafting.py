"""From a checkpoint in memory to the rows of a put."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from checkpoints_app.backends.rows import BlobRow, ItemRow, LogRow, WriteRow
from checkpoints_app.serde import Compressor, StateSerializer, UnreadableType, content_hash
from checkpoints_app.serde.contract import WRITES_IDX_MAP, Checkpoint, DeltaSnapshot

from . import lists
from .manifest import INLINE_BYTES, BlobRef, Inline, ListRef, Manifest, Ref
from .refusals import BadAddress

if TYPE_CHECKING:
    from .cache import HeadCache

_NUMBERS = (int, float, bool)


def checked_name(name: str, what: str) -> str:
    """Return a name that every database keeps as it is. Raises BadAddress."""
    if "\x00" in name or not name.isascii():
        try:
            name.encode()
        except UnicodeEncodeError:
            raise BadAddress(f"{what} {name!r} holds a lone surrogate.") from None
        if "\x00" in name:
            raise BadAddress(f"{what} {name!r} holds a NUL character.")
    return name


class Draft:
    """The rows of one call, as they are worked out."""

    def __init__(
        self,
        serializer: StateSerializer,
        compressor: Compressor,
        cache: HeadCache | None,
        *,
        appending: bool = True,
        log_rows: Any = None,
    ) -> None:
        self.blobs: dict[bytes, BlobRow] = {}
        self.items: list[ItemRow] = []
        self.logs: dict[int, list[bytes]] = {}
        self._serializer = serializer
        self._compressor = compressor
        self._cache = cache
        self._appending = appending
        self._log_rows = log_rows

    def blob(self, kind: str, data: bytes) -> bytes:
        """Return the hash of a value; store the value unless it is known to be there."""
        hash_ = content_hash(kind, data)
        known = self._cache is not None and hash_ in self._cache.stored
        if not known and hash_ not in self.blobs:
            codec, packed = self._compressor.compress(data)
            self.blobs[hash_] = BlobRow(hash_, codec, kind, packed)
        return hash_

    def refs(
        self, checkpoint: Checkpoint, new_versions: dict[str, Any], parent: Manifest | None
    ) -> dict[str, Ref]:
        """Return where each channel's value is or will be. Raises UnreadableType."""
        versions = checkpoint["channel_versions"]
        parent = parent or Manifest({}, {})
        refs: dict[str, Ref] = {}
        for channel, value in checkpoint["channel_values"].items():
            previous = parent.refs.get(channel)
            is_new = channel in new_versions or parent.versions.get(channel) != versions.get(
                channel
            )
            if previous is not None and not is_new:
                refs[channel] = previous
                continue
            try:
                refs[channel] = self._ref(value, previous)
            except UnreadableType as error:
                raise error.in_channel(channel) from None
        return refs

    def _ref(self, value: Any, previous: Ref | None) -> Ref:
        is_snapshot = type(value) is DeltaSnapshot
        items = value.value if is_snapshot else value
        if type(items) is list and not all(type(item) in _NUMBERS for item in items):
            return self._list(items, previous, is_snapshot=is_snapshot)
        kind, data = self._serializer.dump(value, exact=True)
        return self._value(kind, data)

    def _value(self, kind: str, data: bytes) -> Ref:
        if len(data) <= INLINE_BYTES:
            return Inline(kind, data)
        return BlobRef(self.blob(kind, data))

    def _list(self, items: list[Any], previous: Ref | None, *, is_snapshot: bool) -> Ref:
        encoded = self._serializer.dump_items(items)
        before = previous if isinstance(previous, ListRef) else None
        if before is None and not is_snapshot:
            size = sum(map(len, encoded))
            if size < INLINE_BYTES:
                return Inline("msgpack", lists.array_header(len(items)) + b"".join(encoded))
        hashes = [lists.element_hash(element) for element in encoded]
        placed = lists.place(hashes, before, self._known, appending=self._appending)
        if placed.start < len(items):
            self._append(placed, encoded[placed.start :], hashes[placed.start :])
            self.logs[placed.log] = hashes
        return ListRef(placed.slices, is_snapshot)

    def _append(self, placed: lists.Placement, encoded: list[bytes], hashes: list[bytes]) -> None:
        data = lists.array_header(len(encoded)) + b"".join(encoded)
        joined = b"".join(hashes) if len(hashes) > 1 else b""
        hash_ = self.blob("msgpack", data)
        self.items.append(ItemRow(placed.log, placed.start, len(encoded), hash_, joined))

    def _known(self, slices: lists.Slices) -> list[bytes]:
        last = slices[-1][0]
        known = self.logs.get(last) or (self._cache and self._cache.logs.get(last))
        if not known:
            rows: Sequence[LogRow] = self._log_rows([log for log, _ in slices])
            known = lists.assemble(slices, rows)
            if self._cache is not None:
                self._cache.logs.put(last, known)
        return known

    def writes(self, writes: Sequence[tuple[str, Any]]) -> list[WriteRow]:
        """Return the rows of pending writes. Raises UnreadableType."""
        return [self._write(at, channel, value) for at, (channel, value) in enumerate(writes)]

    def _write(self, at: int, channel: str, value: Any) -> WriteRow:
        special = WRITES_IDX_MAP.get(channel)
        try:
            kind, data = self._serializer.dump(value, exact=special is None)
        except UnreadableType as error:
            raise error.in_channel(channel) from None
        idx = at if special is None else special
        checked_name(channel, "Channel")
        if len(data) <= INLINE_BYTES:
            return WriteRow(idx, channel, kind, None, data)
        return WriteRow(idx, channel, kind, self.blob(kind, data), None)

    def settle(self, cache: HeadCache) -> None:
        """Remember what is now known to be stored."""
        for hash_ in self.blobs:
            cache.stored.put(hash_, None)
        for log, hashes in self.logs.items():
            cache.logs.put(log, hashes)

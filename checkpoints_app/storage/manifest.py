"""A checkpoint's body: versions, and where each channel's value is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from checkpoints_app.serde import DamagedValue

# Larger values become blobs of their own.
INLINE_BYTES = 64

_SHORT = {
    "v": "v",
    "ts": "t",
    "channel_versions": "c",
    "versions_seen": "s",
    "updated_channels": "u",
}
_LONG = {short: name for name, short in _SHORT.items()}


@dataclass(frozen=True, slots=True)
class Inline:
    """A small value, standing in the manifest itself."""

    kind: str
    data: bytes


@dataclass(frozen=True, slots=True)
class BlobRef:
    """A value stored under its hash."""

    hash: bytes


@dataclass(frozen=True, slots=True)
class ListRef:
    """A list: what each log holds up to a length, one log continuing the other."""

    slices: tuple[tuple[int, int], ...]
    is_snapshot: bool = False

    @property
    def length(self) -> int:
        """Return the number of elements."""
        return self.slices[-1][1]


Ref = Inline | BlobRef | ListRef


@dataclass(slots=True)
class Manifest:
    """The channels of a checkpoint: their versions and references."""

    versions: dict[str, Any]
    refs: dict[str, Ref]


@dataclass(slots=True)
class Columns:
    """The references in the open, as the checkpoint row holds them."""

    refs: list[bytes] = field(default_factory=list)
    logs: list[int] = field(default_factory=list)
    lens: list[int] = field(default_factory=list)


def _written(ref: Ref, columns: Columns) -> Any:
    if isinstance(ref, BlobRef):
        columns.refs.append(ref.hash)
        return len(columns.refs) - 1
    if isinstance(ref, ListRef):
        start = len(columns.logs)
        columns.logs += [log for log, _ in ref.slices]
        columns.lens += [length for _, length in ref.slices]
        return [start, len(ref.slices), int(ref.is_snapshot)]
    if ref.kind == "msgpack":
        return ref.data
    return None if ref.kind == "null" else [ref.kind, ref.data]


def to_body(checkpoint: dict[str, Any], refs: dict[str, Ref]) -> tuple[dict[str, Any], Columns]:
    """Return the body to encode and the reference columns beside it."""
    columns = Columns()
    body: dict[str, Any] = {"r": {name: _written(ref, columns) for name, ref in refs.items()}}
    others = {}
    for name, value in checkpoint.items():
        if name in _SHORT:
            body[_SHORT[name]] = value
        elif name not in ("id", "channel_values"):
            others[name] = value
    if others:
        body["x"] = others
    return body, columns


def _read(written: Any, columns: Columns) -> Ref:
    if written is None:
        return Inline("null", b"")
    if isinstance(written, bytes):
        return Inline("msgpack", written)
    if isinstance(written, int):
        return BlobRef(columns.refs[written])
    if isinstance(written[0], str):
        return Inline(written[0], written[1])
    start, count, is_snapshot = written
    stop = start + count
    slices = tuple(zip(columns.logs[start:stop], columns.lens[start:stop], strict=True))
    return ListRef(slices, bool(is_snapshot))


def from_body(body: dict[str, Any], columns: Columns) -> tuple[dict[str, Any], Manifest]:
    """Return the checkpoint without id and values, and its manifest. Raises DamagedValue."""
    try:
        refs = {name: _read(written, columns) for name, written in body["r"].items()}
        checkpoint = {_LONG[short]: value for short, value in body.items() if short in _LONG}
        checkpoint.update(body.get("x", {}))
        return checkpoint, Manifest(checkpoint.get("channel_versions", {}), refs)
    except (LookupError, TypeError, AttributeError) as error:
        raise DamagedValue(f"A stored checkpoint is malformed: {error!r}.") from error

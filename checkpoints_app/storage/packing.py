"""Bodies and metadata to bytes and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from checkpoints_app.serde import Compressor, DamagedValue, StateSerializer, UnreadableType

# What nearly every checkpoint carries beside step, source and run: stored as NULL.
_USUAL_REST: dict[str, Any] = {"parents": {}}
_STEP_LIMIT = 1 << 31


@dataclass(frozen=True, slots=True)
class Metadata:
    """Metadata split into what has a column and the rest."""

    step: int | None
    source: str | None
    run_id: str | None
    rest: dict[str, Any]

    @classmethod
    def of(cls, metadata: dict[str, Any]) -> Metadata:
        """Return the split form; only values a column keeps exactly are taken out."""
        rest = dict(metadata)
        step, source, run_id = rest.get("step"), rest.get("source"), rest.get("run_id")
        fits = type(step) is int and -_STEP_LIMIT <= step < _STEP_LIMIT
        return cls(
            rest.pop("step") if fits else None,
            rest.pop("source") if _is_plain(source) else None,
            rest.pop("run_id") if _is_plain(run_id) else None,
            rest,
        )

    def joined(self) -> dict[str, Any]:
        """Return the metadata as it was given."""
        joined: dict[str, Any] = {}
        for name in ("source", "step", "run_id"):
            value = getattr(self, name)
            if value is not None:
                joined[name] = value
        return joined | self.rest


def _is_plain(text: Any) -> bool:
    return type(text) is str and text.isprintable() and text.isascii()


def _pack(value: Any, serializer: StateSerializer, compressor: Compressor) -> bytes:
    _, data = serializer.dump(value, exact=False)
    codec, packed = compressor.compress(data)
    return bytes([codec]) + packed


def unframe(raw: bytes | None, compressor: Compressor) -> bytes | None:
    """Return the msgpack form of a stored body or metadata rest. Raises DamagedValue."""
    if raw is None:
        return None
    if not raw:
        raise DamagedValue("A stored checkpoint is empty.")
    return compressor.decompress(raw[0], bytes(raw[1:]))


def _decode(data: bytes, serializer: StateSerializer) -> dict[str, Any]:
    value = serializer.loads_typed(("msgpack", data))
    if not isinstance(value, dict):
        raise DamagedValue("A stored checkpoint is malformed.")
    return cast("dict[str, Any]", value)


def pack_rest(
    rest: dict[str, Any], serializer: StateSerializer, compressor: Compressor
) -> bytes | None:
    """Return the rest of the metadata, None when it is the usual one. Raises UnreadableType."""
    if rest == _USUAL_REST:
        return None
    try:
        return _pack(rest, serializer, compressor)
    except UnreadableType as error:
        raise error.in_channel("(metadata)") from None


def decode_rest(data: bytes | None, serializer: StateSerializer) -> dict[str, Any]:
    """Return the rest of the metadata. Raises DamagedValue."""
    return {"parents": {}} if data is None else _decode(data, serializer)


def pack_body(body: dict[str, Any], serializer: StateSerializer, compressor: Compressor) -> bytes:
    """Return a manifest's body as stored."""
    return _pack(body, serializer, compressor)


def decode_body(data: bytes | None, serializer: StateSerializer) -> dict[str, Any]:
    """Return a manifest's body. Raises DamagedValue."""
    return _decode(data or b"", serializer)

"""Values to bytes and back: strict msgpack, hash, compression, and data for inspection."""

from __future__ import annotations

from .compression import MAX_VALUE_BYTES, Compressor, content_hash
from .errors import BlockedType, DamagedValue, UnreadableType
from .inspecting import DataSerializer, decode_data
from .serializer import StateSerializer

__all__ = [
    "MAX_VALUE_BYTES",
    "BlockedType",
    "Compressor",
    "DamagedValue",
    "DataSerializer",
    "StateSerializer",
    "UnreadableType",
    "content_hash",
    "decode_data",
]

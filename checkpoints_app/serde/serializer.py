"""The serializer of the store: LangGraph's msgpack, strict in both directions."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any, cast

from langgraph.checkpoint.serde._msgpack import SAFE_MSGPACK_TYPES
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from . import kinds
from .errors import DamagedValue, UnreadableType
from .packing import Packing
from .unpacking import Unpacking


class StateSerializer(JsonPlusSerializer):
    """Msgpack without pickle and without legacy JSON.

    What could not be read back under the allow-list is refused when it is written, and
    what may not be read raises, so that a value never changes its type unseen. Two
    exceptions are LangGraph's own: the text of a message comes back as `str`, and time
    zones keep their offset. Bytes written here are readable by LangGraph's serializer.
    """

    def __init__(self, *, allowed: Iterable[tuple[str, ...] | type] = ()) -> None:
        super().__init__(allowed_msgpack_modules=tuple(allowed) or None)
        self._encoders: dict[type, kinds.Encoder] = {}

    def with_msgpack_allowlist(
        self, extra_allowlist: Iterable[tuple[str, ...] | type]
    ) -> StateSerializer:
        """Return a serializer that allows these types as well."""
        clone = cast("StateSerializer", super().with_msgpack_allowlist(extra_allowlist))
        if clone is not self:
            clone._encoders = {}
        return clone

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        """Return the kind and the bytes of a value. Raises UnreadableType."""
        return self.dump(obj, exact=True)

    def dump(self, value: Any, *, exact: bool) -> tuple[str, bytes]:
        """Return kind and bytes; without `exact`, tuples become lists as LangGraph has it."""
        if value is None:
            return "null", b""
        if type(value) is bytes:
            return "bytes", value
        if type(value) is bytearray:
            return "bytearray", bytes(value)
        return "msgpack", Packing(self, exact=exact).pack(value)

    def dump_items(self, values: list[Any]) -> list[bytes]:
        """Return the msgpack form of each element. Raises UnreadableType."""
        return [Packing(self, exact=True).pack(value) for value in values]

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        """Return a stored value. Raises BlockedType, DamagedValue."""
        kind, raw = data
        if kind == "msgpack":
            return Unpacking(self).unpack(raw)
        if kind == "null":
            return None
        if kind == "bytes":
            return bytes(raw)
        if kind == "bytearray":
            return bytearray(raw)
        raise DamagedValue(f"Values of kind {kind!r} are not read.")

    def admits(self, module: str, name: str) -> bool:
        """Tell whether values may be rebuilt as this type."""
        allowed = self._allowed_msgpack_modules
        key = (module, name)
        return key in SAFE_MSGPACK_TYPES or allowed is True or key in (allowed or ())

    def encoder(self, cls: type) -> kinds.Encoder:
        """Return how values of a type are written. Raises UnreadableType."""
        found = self._encoders.get(cls)
        if found is None:
            found = kinds.EXACT.get(cls) or kinds.unnamed(cls) or self._admitted(cls)
            self._encoders[cls] = found
        return found

    def _admitted(self, cls: type) -> kinds.Encoder:
        encoder = kinds.structured(cls)
        if encoder is None:
            raise UnreadableType(cls, "values of this type cannot be stored", listable=False)
        if getattr(sys.modules.get(cls.__module__), cls.__name__, None) is not cls:
            raise UnreadableType(
                cls, "it is not found at the top level of its module", listable=False
            )
        if not self.admits(cls.__module__, cls.__name__):
            raise UnreadableType(cls, "it is not on the graph's allow-list", listable=True)
        return encoder

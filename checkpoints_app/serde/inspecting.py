"""Stored values as plain data, for pages: no user code is imported or run."""

from __future__ import annotations

from typing import Any

import ormsgpack

from . import kinds
from .errors import DamagedValue
from .packing import MAX_DEPTH
from .serializer import StateSerializer

_KINDS = frozenset({"null", "bytes", "bytearray", "msgpack"})


def decode_data(kind: str, data: bytes) -> Any:
    """Return a stored value as data; objects are {"__type__": "module.Name", ...}.

    Raises DamagedValue for bytes that are no msgpack, and for kinds never decoded here.
    """
    if kind == "null":
        return None
    if kind in ("bytes", "bytearray"):
        return data
    if kind not in _KINDS:
        raise DamagedValue(f"Values of kind {kind!r} are not shown.")
    return _Inspection().unpack(data)


class _Inspection:
    def __init__(self) -> None:
        self._depth = 0

    def unpack(self, data: bytes) -> Any:
        try:
            return self._unpackb(data)
        except ValueError as error:
            raise DamagedValue(f"A stored value cannot be read: {error}.") from error

    def _unpackb(self, data: bytes) -> Any:
        return ormsgpack.unpackb(data, ext_hook=self._hook, option=ormsgpack.OPT_NON_STR_KEYS)

    def _hook(self, code: int, data: bytes) -> Any:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise DamagedValue("nested too deeply")
        payload = self._unpackb(data)
        self._depth -= 1
        if code == kinds.DELTA_SNAPSHOT:
            return {"__type__": "delta snapshot", "value": payload}
        if code == kinds.NUMPY:
            dtype, shape, *_ = payload
            return {"__type__": "numpy.ndarray", "dtype": dtype, "shape": shape}
        if code > kinds.PYDANTIC_V2 or not isinstance(payload, list) or len(payload) < 3:
            return {"__type__": f"extension {code}"}
        return _described(*payload[:3])


def _described(module: Any, name: Any, held: Any) -> Any:
    if module == "builtins":
        return _builtin(name, held)
    label = f"{module}.{name}"
    if isinstance(held, dict):
        return {"__type__": label, **held}
    return {"__type__": label, "value": held}


def _builtin(name: Any, held: Any) -> Any:
    if name == "tuple":
        return held
    try:
        if name == "int":
            return int(*held)
        if name == "str":
            return str(*held)
    except (TypeError, ValueError, LookupError) as error:
        raise DamagedValue(f"A stored {name} is malformed: {error}.") from error
    return {"__type__": name, "value": held}


class DataSerializer(StateSerializer):
    """Reads stored values as plain data, whatever the allow-list; it never writes."""

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        """Return a stored value as data. Raises DamagedValue."""
        return decode_data(*data)

    def dump(self, value: Any, *, exact: bool) -> tuple[str, bytes]:
        """Raise TypeError: data is looked at, not stored."""
        raise TypeError("values read for inspection are not written back")

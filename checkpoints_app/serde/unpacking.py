"""Msgpack back to Python values; what may not or cannot be rebuilt raises."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import decimal
import importlib
import ipaddress
import pathlib
import re
import sys
import uuid
import zoneinfo
from collections.abc import Callable
from typing import Any, Protocol

import ormsgpack
from langgraph.checkpoint.serde.types import _DeltaSnapshot
from pydantic import BaseModel

from threadhub.kernel.errors import ThreadHubError

from . import kinds
from .errors import BlockedType, DamagedValue
from .packing import MAX_DEPTH

_STDLIB: dict[tuple[str, str], Callable[..., Any]] = {
    ("re", "compile"): re.compile,
    ("uuid", "UUID"): uuid.UUID,
    ("decimal", "Decimal"): decimal.Decimal,
    ("zoneinfo", "ZoneInfo"): zoneinfo.ZoneInfo,
    ("collections", "deque"): collections.deque,
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("collections", "Counter"): collections.Counter,
    ("collections", "defaultdict"): lambda name, items: collections.defaultdict(
        None if name is None else kinds.FACTORIES[name], items
    ),
}
for _builtin in (bytearray, dict, frozenset, int, set, str, tuple):
    _STDLIB["builtins", _builtin.__name__] = _builtin
for _name in ("datetime", "date", "time", "timedelta", "timezone"):
    _STDLIB["datetime", _name] = getattr(dt, _name)
for _name in ("Path", "PosixPath", "WindowsPath", "PurePath", "PurePosixPath", "PureWindowsPath"):
    _STDLIB["pathlib", _name] = _STDLIB["pathlib._local", _name] = getattr(pathlib, _name)
for _name in ("IPv4Address", "IPv4Interface", "IPv4Network"):
    _STDLIB["ipaddress", _name] = getattr(ipaddress, _name)
    _STDLIB["ipaddress", _name.replace("4", "6")] = getattr(ipaddress, _name.replace("4", "6"))


class Admission(Protocol):
    """Who knows which names may be rebuilt."""

    def admits(self, module: str, name: str) -> bool:
        """Tell whether a stored value may be rebuilt as this type."""
        ...


def _find(module: str, name: str) -> type:
    try:
        found = getattr(sys.modules.get(module) or importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise DamagedValue(
            f"A stored value is a {module}.{name}, which is gone: {error}."
        ) from error
    if not isinstance(found, type):
        raise BlockedType(module, name)
    return found


def _rebuild_model(cls: type[BaseModel], held: dict[str, Any], marks: list[Any]) -> Any:
    if kinds.FIELDS not in marks:
        return cls(**held)
    # What was stored passed validation once; a second pass could change it.
    if cls.__pydantic_post_init__ or held.keys() != cls.model_fields.keys():
        return cls.model_construct(**held)
    # What model_construct does when nothing is missing and nothing follows.
    value = cls.__new__(cls)
    object.__setattr__(value, "__dict__", held)
    object.__setattr__(value, "__pydantic_fields_set__", set(held))
    extra: dict[str, Any] | None = {} if cls.model_config.get("extra") == "allow" else None
    object.__setattr__(value, "__pydantic_extra__", extra)
    object.__setattr__(value, "__pydantic_private__", None)
    return value


def _rebuild_dataclass(cls: Any, held: dict[str, Any]) -> Any:
    fields = dataclasses.fields(cls)
    if cls.__dataclass_params__.init and all(field.init for field in fields):
        return cls(**held)
    if "__init__" in cls.__dict__ and cls.__module__ == "langgraph.types":
        return cls(**held)
    value = object.__new__(cls)
    for field in fields:
        if field.name in held:
            object.__setattr__(value, field.name, held[field.name])
        elif field.default is not dataclasses.MISSING:
            object.__setattr__(value, field.name, field.default)
        elif field.default_factory is not dataclasses.MISSING:
            object.__setattr__(value, field.name, field.default_factory())
    return value


def _rebuild_keywords(cls: Any, held: dict[str, Any]) -> Any:
    if dataclasses.is_dataclass(cls):
        return _rebuild_dataclass(cls, held)
    fields = getattr(cls, "_fields", None)
    if fields is not None and issubclass(cls, tuple) and set(fields) == held.keys():
        return cls._make(held[name] for name in fields)
    return cls(**held)


class Unpacking:
    """One value on its way back from bytes."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._depth = 0
        self._error: Exception | None = None

    def unpack(self, data: bytes) -> Any:
        """Return the value. Raises BlockedType, DamagedValue."""
        try:
            return ormsgpack.unpackb(data, ext_hook=self._hook, option=ormsgpack.OPT_NON_STR_KEYS)
        except ValueError as error:
            if isinstance(self._error, ThreadHubError):
                raise self._error from None
            cause = self._error or error
            raise DamagedValue(f"A stored value cannot be rebuilt: {cause!r}.") from cause

    def _hook(self, code: int, data: bytes) -> Any:
        # ormsgpack swallows what its callback raises, so it is kept here.
        try:
            self._depth += 1
            if self._depth > MAX_DEPTH:
                raise DamagedValue(f"A stored value nests more than {MAX_DEPTH} objects.")
            payload = ormsgpack.unpackb(
                data, ext_hook=self._hook, option=ormsgpack.OPT_NON_STR_KEYS
            )
            value = self._rebuild(code, payload)
            self._depth -= 1
        except Exception as error:
            if self._error is None:
                self._error = error
            raise
        return value

    def _rebuild(self, code: int, payload: Any) -> Any:
        if code == kinds.DELTA_SNAPSHOT:
            return _DeltaSnapshot(payload)
        if code == kinds.NUMPY:
            return _rebuild_array(payload)
        module, name, held, *marks = payload
        if (module, name) in _STDLIB:
            return _rebuild_stdlib(code, module, name, held)
        if not self._admission.admits(module, name):
            raise BlockedType(module, name)
        cls: Any = _find(module, name)
        if code == kinds.PYDANTIC_V2 and issubclass(cls, BaseModel):
            return _rebuild_model(cls, held, marks)
        if code in (kinds.KW_ARGS, kinds.PYDANTIC_V1):
            return _rebuild_keywords(cls, held)
        if code == kinds.POS_ARGS:
            return (
                cls(*held[:2], timeout=held[2])
                if _is_timed_send(module, name, held)
                else cls(*held)
            )
        if code == kinds.SINGLE_ARG:
            return cls(held)
        raise DamagedValue(f"A stored value uses extension {code} for {module}.{name}.")


def _is_timed_send(module: str, name: str, held: list[Any]) -> bool:
    return (module, name) == ("langgraph.types", "Send") and len(held) == 3


def _rebuild_stdlib(code: int, module: str, name: str, held: Any) -> Any:
    build = _STDLIB[module, name]
    if code == kinds.METHOD:
        return dt.datetime.fromisoformat(held)
    if code == kinds.KW_ARGS:
        return build(**held)
    if code == kinds.POS_ARGS:
        return build(*held)
    if code == kinds.SINGLE_ARG:
        return build(held)
    raise DamagedValue(f"A stored value uses extension {code} for {module}.{name}.")


def _rebuild_array(payload: Any) -> Any:
    numpy: Any = importlib.import_module("numpy")
    dtype, shape, order, data = payload
    array = numpy.frombuffer(data, dtype=numpy.dtype(dtype))
    # A copy, because an array over the stored bytes could not be written to.
    return array.reshape(tuple(shape), order=order).copy(order=order)

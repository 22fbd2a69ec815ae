"""How each type is written: the extension codes of LangGraph and what goes into them."""

from __future__ import annotations

import dataclasses
import pathlib
import re
import sys
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
)
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from langchain_core.messages.base import TextAccessor
from langgraph.checkpoint.serde.types import _DeltaSnapshot
from langgraph.store.base import Item
from langgraph.types import Send
from pydantic import BaseModel

from .errors import UnreadableType

# The codes of langgraph.checkpoint.serde.jsonplus.
SINGLE_ARG = 0
POS_ARGS = 1
KW_ARGS = 2
METHOD = 3
PYDANTIC_V1 = 4
PYDANTIC_V2 = 5
NUMPY = 6
DELTA_SNAPSHOT = 7

# Marks a Pydantic payload that holds the fields themselves, not a dump of them.
FIELDS = "fields"

FACTORIES: dict[str, type] = {
    factory.__name__: factory for factory in (bool, dict, float, int, list, set, str, tuple)
}

# Extension code, module, name, payload, and what follows the payload.
Parts = tuple[int, str, str, Any, tuple[str, ...]]
Encoder = Callable[[Any], Any]


def _named(code: int, module: str, name: str, payload: Any, *rest: str) -> Parts:
    return code, module, name, payload, rest


def _of_class(code: int, cls: type, payload: Any, *rest: str) -> Parts:
    return code, cls.__module__, cls.__name__, payload, rest


def _as_text(value: Any) -> Parts:
    return _of_class(SINGLE_ARG, type(value), str(value))


def _as_list(value: Any) -> Parts:
    return _of_class(SINGLE_ARG, type(value), list(value))


def _as_dict(value: Any) -> Parts:
    return _of_class(SINGLE_ARG, type(value), dict(value))


def _big_int(value: int) -> Parts:
    # Hexadecimal text has no limit of digits.
    return _named(POS_ARGS, "builtins", "int", [format(value, "x"), 16])


def _deque(value: deque[Any]) -> Parts:
    if value.maxlen is None:
        return _as_list(value)
    return _of_class(POS_ARGS, deque, [list(value), value.maxlen])


def _defaultdict(value: defaultdict[Any, Any]) -> Parts:
    factory = value.default_factory
    if factory is not None and FACTORIES.get(getattr(factory, "__name__", "")) is not factory:
        raise UnreadableType(defaultdict, "its default factory cannot be stored", listable=False)
    name = None if factory is None else factory.__name__
    return _of_class(POS_ARGS, defaultdict, [name, dict(value)])


def _datetime(value: datetime) -> Parts:
    zone = value.tzinfo
    if (zone is None or type(zone) is timezone) and not value.fold:
        return _of_class(METHOD, datetime, value.isoformat(), "fromisoformat")
    parts = ("year", "month", "day", "hour", "minute", "second", "microsecond", "tzinfo", "fold")
    return _of_class(KW_ARGS, datetime, {part: getattr(value, part) for part in parts})


def _time(value: time) -> Parts:
    parts = ("hour", "minute", "second", "microsecond", "tzinfo", "fold")
    return _of_class(KW_ARGS, time, {part: getattr(value, part) for part in parts})


def _zone(value: ZoneInfo) -> Parts:
    if value.key is None:
        raise UnreadableType(ZoneInfo, "it was read from a file and has no key", listable=False)
    return _of_class(SINGLE_ARG, ZoneInfo, value.key)


def _path(value: pathlib.PurePath) -> Parts:
    # Python 3.13 moved the classes; their old home works everywhere.
    return _named(POS_ARGS, "pathlib", type(value).__name__, list(value.parts))


def _send(value: Send) -> Parts:
    args = [value.node, value.arg]
    timeout = getattr(value, "timeout", None)
    return _of_class(POS_ARGS, Send, args if timeout is None else [*args, timeout])


def _item(value: Item) -> Parts:
    return _of_class(KW_ARGS, Item, {name: getattr(value, name) for name in Item.__slots__})


# Types that every reader may rebuild.
EXACT: dict[type, Encoder] = {
    int: _big_int,
    tuple: _as_list,
    set: _as_list,
    frozenset: _as_list,
    deque: _deque,
    OrderedDict: _as_dict,
    Counter: _as_dict,
    defaultdict: _defaultdict,
    Decimal: _as_text,
    UUID: lambda value: _of_class(SINGLE_ARG, UUID, value.hex),
    datetime: _datetime,
    date: lambda value: _of_class(POS_ARGS, date, [value.year, value.month, value.day]),
    time: _time,
    timedelta: lambda value: _of_class(
        POS_ARGS, timedelta, [value.days, value.seconds, value.microseconds]
    ),
    timezone: lambda value: _of_class(POS_ARGS, timezone, list(value.__getinitargs__())),
    ZoneInfo: _zone,
    re.Pattern: lambda value: _named(POS_ARGS, "re", "compile", [value.pattern, value.flags]),
    Send: _send,
    Item: _item,
    # The text of a message; every reader takes it for the plain text it is.
    TextAccessor: str,
}
for _address in (
    IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network,
):  # fmt: skip
    EXACT[_address] = _as_text
for _pure in (
    pathlib.PosixPath, pathlib.WindowsPath, pathlib.PurePosixPath, pathlib.PureWindowsPath,
):  # fmt: skip
    EXACT[_pure] = _path


def _pydantic(cls: type[BaseModel]) -> Encoder:
    names = [name for name, field in cls.model_fields.items() if not field.exclude]
    expected = cls.model_fields.keys()

    def encode(value: BaseModel) -> Parts:
        held = value.__dict__
        extra = value.__pydantic_extra__
        if extra or len(names) != len(held) or held.keys() != expected:
            held = {name: held[name] for name in names if name in held} | (extra or {})
        return _of_class(PYDANTIC_V2, cls, held, FIELDS)

    return encode


def _dataclass(cls: type) -> Encoder:
    names = [field.name for field in dataclasses.fields(cls)]
    return lambda value: _of_class(KW_ARGS, cls, {name: getattr(value, name) for name in names})


def _builtin_subclass(cls: type, base: type) -> Encoder:
    def encode(value: Any) -> Parts:
        plain = base(value)
        try:
            rebuilt: Any = cls(plain)
        except Exception as error:  # the constructor is the user's
            raise UnreadableType(cls, "it cannot be rebuilt", listable=False) from error
        if type(rebuilt) is not cls or getattr(value, "__dict__", None):
            raise UnreadableType(cls, "it cannot be rebuilt exactly", listable=False)
        return _of_class(SINGLE_ARG, cls, plain)

    return encode


def _numpy_array(value: Any) -> Parts:
    if value.dtype.hasobject or value.dtype.fields:
        raise UnreadableType(
            type(value), f"arrays of dtype {value.dtype} are not stored", listable=False
        )
    order = "F" if value.flags.f_contiguous and not value.flags.c_contiguous else "C"
    data = value.tobytes(order=order)
    return _named(NUMPY, "", "", [value.dtype.str, list(value.shape), order, data])


def _pydantic_v1(cls: type) -> Encoder:
    return lambda value: _of_class(PYDANTIC_V1, cls, dict(value.__dict__))


_BUILTINS = (str, int, float, bytes, list, dict, tuple, set, frozenset)


def structured(cls: type) -> Encoder | None:
    """Return how to write a type that must be allowed by name, None when nobody knows."""
    if issubclass(cls, BaseModel):
        return _pydantic(cls)
    if issubclass(cls, Enum):
        return lambda value: _of_class(SINGLE_ARG, cls, value.value)
    if hasattr(cls, "_asdict") and issubclass(cls, tuple):
        return lambda value: _of_class(KW_ARGS, cls, value._asdict())
    if dataclasses.is_dataclass(cls):
        return _dataclass(cls)
    if callable(getattr(cls, "get_secret_value", None)):
        return lambda value: _of_class(SINGLE_ARG, cls, value.get_secret_value())
    if hasattr(cls, "__fields_set__") and callable(getattr(cls, "construct", None)):
        return _pydantic_v1(cls)
    for base in _BUILTINS:
        if issubclass(cls, base):
            return _builtin_subclass(cls, base)
    return None


def unnamed(cls: type) -> Encoder | None:
    """Return how to write a type that needs no name: numpy arrays and delta snapshots."""
    if cls is _DeltaSnapshot:
        return lambda value: (DELTA_SNAPSHOT, "", "", value.value, ())
    numpy = sys.modules.get("numpy")
    if numpy is not None and cls is numpy.ndarray:
        return _numpy_array
    return None

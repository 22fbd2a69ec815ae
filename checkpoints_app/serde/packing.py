"""Python values to msgpack: what would come back as another type is refused here."""

from __future__ import annotations

from typing import Any, Protocol

import ormsgpack

from . import kinds
from .errors import UnreadableType

MAX_DEPTH = 200

# Strict on purpose: an odd key or a lone surrogate raises, and takes the careful way.
_FAST = (
    ormsgpack.OPT_PASSTHROUGH_BIG_INT
    | ormsgpack.OPT_PASSTHROUGH_DATACLASS
    | ormsgpack.OPT_PASSTHROUGH_DATETIME
    | ormsgpack.OPT_PASSTHROUGH_ENUM
    | ormsgpack.OPT_PASSTHROUGH_SUBCLASS
    | ormsgpack.OPT_PASSTHROUGH_UUID
)
_EXACT_TUPLES = _FAST | ormsgpack.OPT_PASSTHROUGH_TUPLE
_SIMPLE_KEYS = frozenset({str, int, float, bool, type(None), bytes})
_INT_LIMIT = 1 << 63


class Types(Protocol):
    """Who knows how a type is written, and whether it may be."""

    def encoder(self, cls: type) -> kinds.Encoder:
        """Return how to write a type. Raises UnreadableType."""
        ...


def _has_surrogates(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _is_simple_key(key: Any) -> bool:
    if type(key) not in _SIMPLE_KEYS:
        return False
    if type(key) is str:
        return not _has_surrogates(key)
    return type(key) is not int or -_INT_LIMIT <= key < 2 * _INT_LIMIT


class Packing:
    """One value on its way to bytes.

    `exact` keeps tuples as tuples; without it they become lists and exceptions their
    `repr`, which is how LangGraph stores what it writes for itself.
    """

    def __init__(self, types: Types, *, exact: bool) -> None:
        self._types = types
        self._exact = exact
        self._option = _EXACT_TUPLES if exact else _FAST
        self._depth = 0
        self._error: Exception | None = None

    def pack(self, value: Any) -> bytes:
        """Return the msgpack form. Raises UnreadableType."""
        try:
            packed = ormsgpack.packb(value, default=self._default, option=self._option)
        except TypeError:
            return self._pack_carefully(value)
        # Bytearrays pack like bytes; the marks of bytes say when to look for them.
        has_bytes = b"\xc4" in packed or b"\xc5" in packed or b"\xc6" in packed
        if has_bytes and _holds_bytearray(value):
            return self._pack_carefully(value)
        return packed

    def _pack_carefully(self, value: Any) -> bytes:
        if self._error is not None:
            raise self._error
        try:
            careful = self._spelled_out(value)
            option = self._option | ormsgpack.OPT_NON_STR_KEYS
            return ormsgpack.packb(careful, default=self._default, option=option)
        except UnreadableType:
            raise
        except (TypeError, RecursionError) as error:
            if self._error is not None:
                raise self._error from None
            raise UnreadableType(
                type(value), f"it cannot be stored ({error})", listable=False
            ) from None

    def _default(self, value: Any) -> Any:
        # ormsgpack swallows what its callback raises, so it is kept here.
        try:
            return self._encode(value)
        except Exception as error:  # raised again by pack
            if self._error is None:
                self._error = error
            raise

    def _encode(self, value: Any) -> Any:
        cls = type(value)
        if not self._exact and isinstance(value, BaseException):
            return repr(value)
        encoded = self._types.encoder(cls)(value)
        return self._extension(cls, encoded) if type(encoded) is tuple else encoded

    def _extension(self, cls: type, parts: kinds.Parts) -> ormsgpack.Ext:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise UnreadableType(cls, f"objects nest more than {MAX_DEPTH} deep", listable=False)
        code, module, name, payload, rest = parts
        body = self.pack([module, name, payload, *rest] if module else payload)
        self._depth -= 1
        return ormsgpack.Ext(code, body)

    def _spelled_out(self, value: Any) -> Any:
        """Return the value with everything msgpack would change put into extensions."""
        cls = type(value)
        if cls is str:
            return self._text(value)
        if cls is list or (cls is tuple and not self._exact):
            return [self._spelled_out(item) for item in value]
        if cls is dict:
            return self._mapping(value)
        if cls is bytearray:
            return self._builtin("bytearray", bytes(value), kinds.SINGLE_ARG)
        if cls is memoryview:
            raise UnreadableType(cls, "it would come back as bytes", listable=False)
        return value

    def _text(self, value: str) -> Any:
        if not _has_surrogates(value):
            return value
        raw = value.encode("utf-8", "surrogatepass")
        return self._builtin("str", [raw, "utf-8", "surrogatepass"], kinds.POS_ARGS)

    def _mapping(self, value: dict[Any, Any]) -> Any:
        if all(map(_is_simple_key, value)):
            return {key: self._spelled_out(item) for key, item in value.items()}
        pairs = [[key, item] for key, item in value.items()]
        return self._builtin("dict", pairs, kinds.SINGLE_ARG)

    def _builtin(self, name: str, payload: Any, code: int) -> ormsgpack.Ext:
        return self._extension(object, (code, "builtins", name, payload, ()))


def _holds_bytearray(value: Any) -> bool:
    cls = type(value)
    if cls is bytearray or cls is memoryview:
        return True
    if cls is list or cls is tuple:
        return any(map(_holds_bytearray, value))
    return cls is dict and any(map(_holds_bytearray, value.values()))

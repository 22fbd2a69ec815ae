"""Graph values as plain JSON, for events, previews and the API."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Set
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any
from uuid import UUID

from langgraph.types import Interrupt
from pydantic import BaseModel

MAX_DEPTH = 100
_AS_TEXT = (UUID, Decimal, PurePath)


def plain(value: Any, depth: int = 0) -> Any:
    """Return a JSON value: models as objects, sets as lists, bytes as base64, NaN as null.

    Never raises for a value of the graph: what has no JSON form becomes its type's name.
    """
    if value is None or (isinstance(value, str | bool | int) and not isinstance(value, Enum)):
        return value
    if depth > MAX_DEPTH:
        return f"<nested more than {MAX_DEPTH} levels>"
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {_key(key): plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return plain(value._asdict(), depth + 1)
    if isinstance(value, list | tuple | Set):
        return [plain(item, depth + 1) for item in value]
    return _object(value, depth)


def _key(key: Any) -> str:
    return key if type(key) is str else str(plain(key))


def _object(value: Any, depth: int) -> Any:
    if isinstance(value, Enum):
        return plain(value.value, depth + 1)
    if isinstance(value, Interrupt):
        return interrupt(value)
    if isinstance(value, BaseModel):
        return plain(value.model_dump(), depth + 1)
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: plain(getattr(value, item.name), depth + 1) for item in fields(value)}
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, _AS_TEXT):
        return str(value)
    return _without_form(value, depth)


def _without_form(value: Any, depth: int) -> Any:
    slots = getattr(type(value), "__slots__", ())
    if type(value).__module__.startswith("langgraph.") and slots:
        return {name: plain(getattr(value, name, None), depth + 1) for name in slots}
    # Its text could hold a secret or an address in memory, so only the type is named.
    return f"<{type(value).__module__}.{type(value).__qualname__}>"


def interrupt(value: Interrupt[Any]) -> dict[str, Any]:
    """Return a question as the API shows it."""
    shown = {"value": plain(value.value), "id": value.id}
    if isinstance(value.response_schema, dict):
        shown["response_schema"] = plain(value.response_schema)
    return shown

"""What an item may be: its namespace, its key, its value and its time to live."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from checkpoints_app.backends.items import Place
from checkpoints_app.models.labels import pack_namespace, pack_text

from .refusals import BadItem, BadNamespace

# Together they must fit into one entry of PostgreSQL's index.
NAMESPACE_MAX_BYTES = 1024
KEY_MAX_BYTES = 1024
NAMESPACE_MAX_DEPTH = 32
VALUE_MAX_BYTES = 1024 * 1024
VALUE_MAX_DEPTH = 64
TTL_MAX_MINUTES = 100 * 366 * 24 * 60.0
# LangGraph keeps this root to itself.
RESERVED_ROOT = "langgraph"

_SHOWN = 60


def place_of(namespace: Sequence[str], key: str) -> Place:
    """Return where an item is, or would be. Raises BadNamespace, BadItem."""
    packed_key = pack_text(key)
    if len(packed_key) > KEY_MAX_BYTES:
        raise BadItem(f"A key has at most {KEY_MAX_BYTES} bytes, not {len(packed_key)}.")
    return Place(packed_namespace(namespace), packed_key)


def demand_storable(namespace: Sequence[str]) -> None:
    """Raise BadNamespace where no item can be."""
    if not namespace:
        raise BadNamespace("A namespace has at least one label.")
    if namespace[0] == RESERVED_ROOT:
        raise BadNamespace(f'The root label "{RESERVED_ROOT}" is LangGraph\'s own: use another.')


def packed_namespace(labels: Sequence[str]) -> bytes:
    """Return a namespace, or the beginning of one, as bytes. Raises BadNamespace."""
    if len(labels) > NAMESPACE_MAX_DEPTH:
        raise BadNamespace(f"A namespace has at most {NAMESPACE_MAX_DEPTH} labels.")
    for label in labels:
        _check_label(label)
    packed = pack_namespace(labels)
    if len(packed) > NAMESPACE_MAX_BYTES:
        raise BadNamespace(
            f"A namespace has at most {NAMESPACE_MAX_BYTES} bytes, not {len(packed)}."
        )
    return packed


def _check_label(label: object) -> None:
    if not isinstance(label, str):
        raise BadNamespace(f"A namespace label is a text, not {type(label).__name__}.")
    if not label:
        raise BadNamespace("A namespace label is not empty.")
    for sign, name in ((".", "period"), ("\x00", "NUL")):
        if sign in label:
            raise BadNamespace(f"The namespace label {label[:_SHOWN]!r} holds a {name}.")


def checked_ttl(minutes: float | None) -> float | None:
    """Return the time to live. Raises BadItem for what is not more than nothing."""
    if minutes is None:
        return None
    is_number = isinstance(minutes, int | float) and not isinstance(minutes, bool)
    if not is_number or not 0 < minutes <= TTL_MAX_MINUTES:
        raise BadItem(
            f"The time to live is given in minutes, more than 0 and at most {TTL_MAX_MINUTES:.0f}."
        )
    return float(minutes)


def encode(value: Mapping[str, Any]) -> str:
    """Return a value as JSON text. Raises BadItem naming where it is none."""
    if not isinstance(value, Mapping):
        raise BadItem(f"An item's value is an object, not {type(value).__name__}.")
    plain = _plain(value, "value", 1)
    try:
        text = json.dumps(plain, separators=(",", ":"), ensure_ascii=False)
        size = len(text.encode())
    except UnicodeEncodeError:
        # Lone surrogates, which no database takes, survive as escapes.
        text = json.dumps(plain, separators=(",", ":"))
        size = len(text)
    except ValueError as error:
        raise BadItem(f"The value cannot be written as JSON: {error}.") from None
    if size > VALUE_MAX_BYTES:
        raise BadItem(f"The value has {size} bytes as JSON; at most {VALUE_MAX_BYTES} are kept.")
    return text


def _plain(value: Any, path: str, depth: int) -> Any:
    if depth > VALUE_MAX_DEPTH:
        raise BadItem(f"The value is nested more than {VALUE_MAX_DEPTH} levels deep.")
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise BadItem(f"{path} is {value}, which JSON cannot say.")
        return value
    if isinstance(value, Mapping):
        return {_name(key, path): _plain(value[key], _below(path, key), depth + 1) for key in value}
    if isinstance(value, list | tuple):
        return [_plain(item, f"{path}[{at}]", depth + 1) for at, item in enumerate(value)]
    raise BadItem(
        f"{path} is of type {type(value).__name__}: only JSON is kept (objects, lists, texts, "
        "numbers, true, false, null)."
    )


def _name(key: object, path: str) -> str:
    if not isinstance(key, str):
        raise BadItem(f"{path} has the key {str(key)[:_SHOWN]}, which is no text.")
    return key


def _below(path: str, key: object) -> str:
    return f"{path}[{str(key)[:_SHOWN]!r}]"

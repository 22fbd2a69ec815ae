"""Edited JSON back into the graph's own values: what was not touched stays as it is."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any
from uuid import UUID

from langchain_core.messages import BaseMessage, convert_to_messages
from langgraph.channels import BinaryOperatorAggregate, LastValue
from langgraph.types import Overwrite
from pydantic import BaseModel

from threadhub.kernel.errors import Invalid
from threadhub.kernel.observability.redaction import MASK

TYPE = "__type__"
_FROM_TEXT = (Enum, UUID, Decimal, PurePath)
_MOMENTS = (datetime, date, time)
_EXACT = (bool, int, float, str)


class TypeChanged(Invalid):
    """The edited value is of another type than the one it replaces."""

    code = "type_changed"


def update_of(graph: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the update that gives channels these values, past their reducers. Raises Invalid."""
    return {name: _replacing(graph.channels.get(name), name, values[name]) for name in values}


def _replacing(channel: Any, name: str, value: Any) -> Any:
    if isinstance(channel, BinaryOperatorAggregate):
        return Overwrite(value)
    if isinstance(channel, LastValue):
        return value
    raise Invalid(f"The channel {name} cannot be edited.", fields={name: ["Not editable."]})


def retyped(given: Any, *, shown: Any, like: Any) -> Any:
    """Return the JSON that a person edited as a value like the one it replaces.

    `shown` is what they were shown of `like`, secrets masked: parts equal to it are taken from
    `like`. Raises TypeChanged for another type, Invalid for what its class refuses.
    """
    if _same(given, shown):
        return like
    if isinstance(given, str) and MASK in given:
        raise Invalid("A hidden value can be kept or replaced, not edited in part.")
    if isinstance(like, BaseModel) or (dataclasses.is_dataclass(like) and not _is_class(like)):
        return _object(given, shown, like)
    if isinstance(like, dict):
        return _mapping(given, shown, like)
    if isinstance(like, list | tuple | set | frozenset):
        return _sequence(given, shown, like)
    return _scalar(given, like)


def _same(given: Any, shown: Any) -> bool:
    """Say whether both are the same JSON; true is not 1 here."""
    if isinstance(given, dict) and isinstance(shown, dict):
        return given.keys() == shown.keys() and all(_same(given[k], shown[k]) for k in given)
    if isinstance(given, list) and isinstance(shown, list):
        return len(given) == len(shown) and all(map(_same, given, shown))
    return type(given) is type(shown) and bool(given == shown)


def _is_class(value: Any) -> bool:
    return isinstance(value, type)


def _object(given: Any, shown: Any, like: Any) -> Any:
    fields = _fields(given, like)
    known = shown if isinstance(shown, dict) else {}
    values = {
        name: retyped(item, shown=known.get(name), like=getattr(like, name, None))
        for name, item in fields.items()
    }
    try:
        if isinstance(like, BaseModel):
            return type(like).model_validate(values)
        return dataclasses.replace(like, **values)
    except (ValueError, TypeError) as error:
        raise Invalid(f"{type(like).__name__} refuses these values.") from error


def _fields(given: Any, like: Any) -> dict[str, Any]:
    if not isinstance(given, dict) or given.get(TYPE, _label(like)) != _label(like):
        raise TypeChanged(f"This must stay a {type(like).__name__}.")
    return {name: item for name, item in given.items() if name != TYPE}


def _label(value: Any) -> str:
    return f"{type(value).__module__}.{type(value).__name__}"


def _mapping(given: Any, shown: Any, like: dict[Any, Any]) -> Any:
    if not isinstance(given, dict) or TYPE in given:
        raise TypeChanged("This must stay an object.")
    known = shown if isinstance(shown, dict) else {}
    # Keys that are no text are shown as text.
    names = {str(key): key for key in like}
    return {
        names.get(name, name): retyped(
            item, shown=known.get(name, ...), like=like.get(names.get(name, name))
        )
        for name, item in given.items()
    }


def _sequence(given: Any, shown: Any, like: Any) -> Any:
    if isinstance(given, dict):
        given = given.get("value") if TYPE in given else None
    if not isinstance(given, list):
        raise TypeChanged("This must stay a list.")
    inner = shown.get("value", []) if isinstance(shown, dict) else shown
    held, seen = list(like), inner if isinstance(inner, list) else []
    places = {_identity(item): at for at, item in enumerate(seen) if _identity(item)}
    made = [_element(item, at, held, seen, places) for at, item in enumerate(given)]
    try:
        return made if type(like) is list else type(like)(made)
    except TypeError as error:
        raise Invalid("A set holds plain values only.") from error


def _identity(item: Any) -> Any:
    found = item.get("id") if isinstance(item, dict) else None
    return found if isinstance(found, str | int) else None


def _element(given: Any, at: int, held: list[Any], seen: list[Any], places: dict[Any, int]) -> Any:
    """Return an element made like the one of its id, else the one at its place, else a new one."""
    if _identity(given):
        at = places.get(_identity(given), len(held))
    if at < len(held) and at < len(seen):
        return retyped(given, shown=seen[at], like=held[at])
    return _new(given, held)


def _new(given: Any, siblings: list[Any]) -> Any:
    if MASK in str(given):
        raise Invalid("A hidden value cannot be copied to another place.")
    if isinstance(given, dict) and any(isinstance(one, BaseMessage) for one in siblings):
        try:
            return convert_to_messages([{k: v for k, v in given.items() if k != TYPE}])[0]
        except (ValueError, TypeError, NotImplementedError) as error:
            raise Invalid("A message needs a type and a content.") from error
    for like in siblings:
        if (
            isinstance(given, dict)
            and given.get(TYPE) == f"{type(like).__module__}.{type(like).__name__}"
        ):
            return retyped(given, shown=..., like=like)
    if isinstance(given, dict) and TYPE in given:
        raise TypeChanged("No element of this type is in the list.")
    return given


def _scalar(given: Any, like: Any) -> Any:
    if like is None or given is None:
        return given
    if isinstance(given, dict) and TYPE in given:
        given = given.get("value")
    try:
        if isinstance(like, _FROM_TEXT):
            return type(like)(given)
        if isinstance(like, _MOMENTS):
            return type(like).fromisoformat(given)
        if isinstance(like, timedelta):
            return timedelta(*given)
    except (ValueError, TypeError, ArithmeticError) as error:
        raise TypeChanged(f"This must stay a {type(like).__name__}.") from error
    if type(like) is float and type(given) is int:
        return float(given)
    if type(like) in _EXACT and type(given) is type(like):
        return given
    raise TypeChanged(f"This must stay a {type(like).__name__}.")

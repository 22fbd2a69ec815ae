"""Refuse an input that cannot fit a graph, and nothing that LangGraph would accept."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from langgraph.channels.binop import BinaryOperatorAggregate
from langgraph.channels.ephemeral_value import EphemeralValue
from langgraph.channels.last_value import LastValue, LastValueAfterFinish
from langgraph.graph.state import CompiledStateGraph
from pydantic import BaseModel, ValidationError

from threadhub.kernel.errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langgraph.pregel import Pregel

_SCALARS = frozenset({"string", "integer", "number", "boolean", "null"})
_PLAIN_REDUCERS = (operator.add, operator.or_)


class InputUnfit(Invalid):
    """The input does not fit the graph's input schema; `fields` says where."""

    code = "input_unfit"


def check_input(graph: Pregel, value: object, *, schema: Mapping[str, Any] | None) -> None:
    """Raise InputUnfit for a wrong shape, unknown keys only, or wrong simple types.

    None continues a thread and always passes. Keys that a reducer takes are left to it.
    """
    if value is None or schema is None:
        return
    if schema.get("type") != "object":
        _check_simple(value, schema=schema)
        return
    known = schema.get("properties") or {}
    if not isinstance(value, dict):
        raise InputUnfit(
            f"The input must be an object with {_keys(known)}, not {type(value).__name__}."
        )
    if value and known and not known.keys() & value.keys():
        raise InputUnfit(
            f"The input has none of the graph's keys: give {_keys(known)}.",
            fields={str(key): ["This key is not in the input schema."] for key in value},
        )
    fields = _wrong_fields(graph, value, schema=schema)
    if fields:
        raise InputUnfit(
            f"The input does not fit the graph's schema: {_summary(fields)}.", fields=fields
        )


def _check_simple(value: object, *, schema: Mapping[str, Any]) -> None:
    """Check the input of a graph that takes one text or number instead of an object."""
    messages = _refusals(schema, value) if _is_simple(schema, schema) else []
    if messages:
        raise InputUnfit(
            f"The input does not fit the graph's schema: {messages[0]}.",
            fields={"input": messages},
        )


def _wrong_fields(
    graph: Pregel, value: Mapping[str, Any], *, schema: Mapping[str, Any]
) -> dict[str, list[str]]:
    model = _input_model(graph)
    found = _by_pydantic(model, value) if model else _by_schema(value, schema=schema)
    return {key: messages for key, messages in found.items() if _is_plain(graph, key)}


def _input_model(graph: Pregel) -> type[BaseModel] | None:
    schema = graph.builder.input_schema if isinstance(graph, CompiledStateGraph) else None
    is_model = isinstance(schema, type) and issubclass(schema, BaseModel)
    return schema if is_model else None


def _by_pydantic(model: type[BaseModel], value: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return what the model itself refuses; what is missing may already be in the thread."""
    try:
        model.model_validate(value)
    except ValidationError as error:
        return _messages(error)
    return {}


def _messages(error: ValidationError) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for item in error.errors(include_url=False, include_context=False, include_input=False):
        path = item["loc"]
        if path and not (item["type"] == "missing" and len(path) == 1):
            found.setdefault(str(path[0]), []).append(item["msg"])
    return found


def _by_schema(value: Mapping[str, Any], *, schema: Mapping[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key, part in (schema.get("properties") or {}).items():
        if key in value and _is_simple(part, schema):
            messages = _refusals({**part, "$defs": schema.get("$defs", {})}, value[key])
            if messages:
                found[key] = messages
    return found


def _refusals(rule: Mapping[str, Any], value: object) -> list[str]:
    try:
        return [error.message[:200] for error in Draft202012Validator(rule).iter_errors(value)]
    except SchemaError:
        return []


def _is_simple(part: Mapping[str, Any], schema: Mapping[str, Any]) -> bool:
    """Return whether a part of the schema admits texts, numbers and the like only."""
    if "$ref" in part:
        name = str(part["$ref"]).rpartition("/")[2]
        return _is_simple((schema.get("$defs") or {}).get(name, {}), schema)
    if "anyOf" in part:
        return all(_is_simple(option, schema) for option in part["anyOf"])
    return part.get("type") in _SCALARS or "enum" in part or "const" in part


def _is_plain(graph: Pregel, key: str) -> bool:
    """Return whether a channel takes values of its own type: other reducers take any shape."""
    channel = graph.channels.get(key)
    if isinstance(channel, BinaryOperatorAggregate):
        return channel.operator in _PLAIN_REDUCERS
    return isinstance(channel, LastValue | LastValueAfterFinish | EphemeralValue)


def _keys(known: Mapping[str, Any]) -> str:
    names = [f"`{name}`" for name in list(known)[:8]]
    return " or ".join(names) if names else "named values"


def _summary(fields: Mapping[str, list[str]]) -> str:
    return "; ".join(f"`{key}`: {messages[0]}" for key, messages in list(fields.items())[:3])

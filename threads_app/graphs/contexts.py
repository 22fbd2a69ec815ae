"""The context of a run: what the graph's schema makes of what was given."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from threadhub.kernel.errors import Invalid


class ContextUnfit(Invalid):
    """The context does not fit the graph's context schema; `fields` says where."""

    code = "context_unfit"


def filled(
    schema: Any, given: Mapping[str, Any] | None, *, configurable: Mapping[str, Any] | None = None
) -> Any:
    """Return the context to run with: None without a schema, else its defaults filled in.

    Without a context, the keys of `configurable` that the schema knows are taken, which is how
    clients of older releases give one. Raises ContextUnfit, naming the fields.
    """
    if schema is None:
        return None
    values = dict(given) if given is not None else _known(schema, configurable or {})
    if isinstance(schema, type) and issubclass(schema, BaseModel):
        return _from_model(schema, values)
    if isinstance(schema, type) and dataclasses.is_dataclass(schema):
        return _from_dataclass(schema, values)
    return values


def _known(schema: Any, configurable: Mapping[str, Any]) -> dict[str, Any]:
    names = _names(schema)
    return {name: value for name, value in configurable.items() if name in names}


def _names(schema: Any) -> set[str]:
    if isinstance(schema, type) and issubclass(schema, BaseModel):
        aliases = {field.alias for field in schema.model_fields.values() if field.alias}
        return set(schema.model_fields) | aliases
    return set(getattr(schema, "__annotations__", {})) | {
        field.name for field in (dataclasses.fields(schema) if _is_dataclass(schema) else ())
    }


def _is_dataclass(schema: Any) -> bool:
    return isinstance(schema, type) and dataclasses.is_dataclass(schema)


def _from_model(schema: type[BaseModel], values: dict[str, Any]) -> BaseModel:
    try:
        return schema(**values)
    except ValidationError as error:
        fields: dict[str, list[str]] = {}
        for item in error.errors(include_url=False, include_context=False, include_input=False):
            key = str(item["loc"][0]) if item["loc"] else "context"
            fields.setdefault(key, []).append(item["msg"])
        raise _unfit(fields) from None


def _from_dataclass(schema: Any, values: dict[str, Any]) -> Any:
    known = {field.name: field for field in dataclasses.fields(schema) if field.init}
    fields = {
        name: ["This field is required."]
        for name, field in known.items()
        if name not in values and not _has_default(field)
    }
    fields |= {
        str(name): ["The graph's context has no such field."]
        for name in values
        if name not in known
    }
    if fields:
        raise _unfit(fields)
    try:
        return schema(**values)
    except Exception as error:
        # The project's own __post_init__ decides what it takes.
        raise ContextUnfit(f"The graph's context refuses these values: {error}") from error


def _has_default(field: dataclasses.Field[Any]) -> bool:
    missing = dataclasses.MISSING
    return field.default is not missing or field.default_factory is not missing


def _unfit(fields: Mapping[str, list[str]]) -> ContextUnfit:
    listed = "; ".join(f"`{name}`: {messages[0]}" for name, messages in list(fields.items())[:3])
    return ContextUnfit(f"The context does not fit the graph's schema: {listed}", fields=fields)

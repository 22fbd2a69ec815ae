"""JSON schemas of a graph's types, also where Pydantic refuses the type as it is written."""

from __future__ import annotations

import dataclasses
import types
import typing
from typing import Any, NotRequired

from pydantic import PydanticUserError, TypeAdapter
from typing_extensions import TypedDict, is_typeddict

_DEPTH = 12


def json_schema(of: Any) -> dict[str, Any]:
    """Return the JSON schema of a type; fields without one admit anything.

    Pydantic refuses `typing.TypedDict` before Python 3.12, and one odd field would cost the
    whole schema: such types are rebuilt first. Raises PydanticUserError when nothing helps.
    """
    try:
        return TypeAdapter(of).json_schema()
    except PydanticUserError:
        rebuilt = _rebuilt(of, depth=_DEPTH)
        if rebuilt is of:
            raise
        return TypeAdapter(rebuilt).json_schema()


def _rebuilt(hint: Any, *, depth: int) -> Any:
    """Return the same type out of parts that Pydantic takes."""
    if depth == 0:
        return Any
    if is_typeddict(hint):
        return _typed_dict(hint, depth=depth)
    if dataclasses.is_dataclass(hint) and depth == _DEPTH:
        return _from_fields(hint, depth=depth)
    return _with_arguments(hint, depth=depth)


def _with_arguments(hint: Any, *, depth: int) -> Any:
    arguments = typing.get_args(hint)
    if not arguments or typing.get_origin(hint) is typing.Literal:
        return hint
    if isinstance(hint, types.UnionType):
        return typing.Union[tuple(_rebuilt(item, depth=depth - 1) for item in arguments)]  # noqa: UP007
    if typing.get_origin(hint) is typing.Annotated:
        return typing.Annotated[(_rebuilt(arguments[0], depth=depth - 1), *arguments[1:])]
    if any(not isinstance(item, type) and not typing.get_origin(item) for item in arguments):
        return hint
    rebuilt = tuple(_rebuilt(item, depth=depth - 1) for item in arguments)
    if rebuilt == arguments:
        return hint
    copy = getattr(hint, "copy_with", None)
    return copy(rebuilt) if copy else typing.get_origin(hint)[rebuilt]


def _typed_dict(hint: Any, *, depth: int) -> Any:
    optional: frozenset[str] = getattr(hint, "__optional_keys__", frozenset())
    fields = {
        name: NotRequired[part] if name in optional else part
        for name, part in _parts(hint, depth=depth).items()
    }
    return TypedDict(hint.__name__, fields)  # type: ignore[operator]


def _from_fields(hint: Any, *, depth: int) -> Any:
    with_default = {field.name for field in dataclasses.fields(hint) if _has_default(field)}
    fields = {
        name: NotRequired[part] if name in with_default else part
        for name, part in _parts(hint, depth=depth).items()
    }
    return TypedDict(hint.__name__, fields)  # type: ignore[operator]


def _has_default(field: dataclasses.Field[Any]) -> bool:
    missing = dataclasses.MISSING
    return field.default is not missing or field.default_factory is not missing


def _parts(hint: Any, *, depth: int) -> dict[str, Any]:
    hints = typing.get_type_hints(hint, include_extras=True)
    return {name: _usable(_plain(part), depth=depth) for name, part in hints.items()}


def _plain(part: Any) -> Any:
    """Strip Required and NotRequired, which the keys of the class already say."""
    origin = typing.get_origin(part)
    return typing.get_args(part)[0] if origin in (typing.Required, NotRequired) else part


def _usable(part: Any, *, depth: int) -> Any:
    rebuilt = _rebuilt(part, depth=depth - 1)
    try:
        TypeAdapter(rebuilt).json_schema()
    except (PydanticUserError, NameError, TypeError):
        return Any
    return rebuilt

"""Functions that make a graph: which arguments they take, and what form they are."""

from __future__ import annotations

import contextlib
import functools
import inspect
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from langgraph.graph import StateGraph
from langgraph.pregel import Pregel

from threads_app.graphs.failures import LoadError

if TYPE_CHECKING:
    from threads_app.graphs.access import Operation

SYNC, ASYNC = "factory", "async factory"
MANAGER, ASYNC_MANAGER = "context-manager factory", "async context-manager factory"

_RUNTIME_WORDS = ("ServerRuntime", "_ExecutionRuntime", "_ReadRuntime")
_CONFIG_WORDS = ("RunnableConfig", "Config", "dict", "Dict", "Mapping")


@dataclass(frozen=True, kw_only=True, eq=False)
class Factory:
    """A callable that makes a graph, and which of its parameters get what."""

    call: Callable[..., Any]
    form: str
    # (name, "config" | "runtime" | "default", given by position)
    arguments: tuple[tuple[str, str, bool], ...]
    defaults: typing.Mapping[str, Any]

    @property
    def may_block(self) -> bool:
        """Return whether calling it runs the project's code before anything can be awaited."""
        return self.form not in {ASYNC, ASYNC_MANAGER}

    def made(self, operation: Operation) -> Any:
        """Call the factory with what it accepts. Returns a graph, an awaitable or a manager."""
        values = {"config": operation.factory_config, "runtime": operation.runtime}
        positional, named = [], {}
        for name, what, by_position in self.arguments:
            value = self.defaults[name] if what == "default" else values[what]()
            if by_position:
                positional.append(value)
            else:
                named[name] = value
        return self.call(*positional, **named)


def is_factory(export: object) -> bool:
    """Return whether an export can be called to make a graph."""
    return (
        callable(export)
        and not inspect.isclass(export)
        and not isinstance(export, Pregel | StateGraph)
        and (_is_function(export) or not hasattr(export, "invoke"))
    )


def factory_of(export: Any, *, name: str) -> Factory:
    """Return the factory an export is. Raises LoadError for arguments nobody can give."""
    form = _form(export)
    if inspect.isasyncgenfunction(export):
        call: Callable[..., Any] = contextlib.asynccontextmanager(export)
    elif inspect.isgeneratorfunction(export):
        call = contextlib.contextmanager(export)
    else:
        call = export
    arguments, defaults = _arguments(export, name=name)
    return Factory(call=call, form=form, arguments=arguments, defaults=defaults)


def _is_function(export: object) -> bool:
    kinds = types.FunctionType | types.MethodType | functools.partial
    return isinstance(export, kinds) or inspect.isbuiltin(export)


def _plain(export: Any) -> Any:
    """Return the function below decorators, partials and objects that can be called."""
    plain = inspect.unwrap(export)
    while isinstance(plain, functools.partial):
        plain = inspect.unwrap(plain.func)
    if not _is_function(plain):
        plain = inspect.unwrap(type(plain).__call__)
    return plain


def _form(export: Any) -> str:
    plain = _plain(export)
    if inspect.isasyncgenfunction(plain):
        return ASYNC_MANAGER
    if inspect.isgeneratorfunction(plain):
        return MANAGER
    return ASYNC if inspect.iscoroutinefunction(plain) else SYNC


def _arguments(
    export: Any, *, name: str
) -> tuple[tuple[tuple[str, str, bool], ...], dict[str, Any]]:
    try:
        parameters = list(inspect.signature(export).parameters.values())
    except (TypeError, ValueError):
        return (), {}
    hints = _hints(_plain(export))
    found: list[tuple[str, str, bool]] = []
    for parameter in parameters:
        if parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}:
            continue
        by_position = parameter.kind is parameter.POSITIONAL_ONLY
        what = _wanted(parameter, hints)
        if what is None and parameter.default is parameter.empty:
            what = _first_bare(parameter, found, parameters, name=name)
        if what or by_position:
            found.append((parameter.name, what or "default", by_position))
    return tuple(found), {item.name: item.default for item in parameters}


def _wanted(parameter: inspect.Parameter, hints: typing.Mapping[str, Any]) -> str | None:
    """Return what the annotation, or else the name, asks for."""
    hint = hints.get(parameter.name, parameter.annotation)
    if hint is not parameter.empty:
        text = hint if isinstance(hint, str) else _text(hint)
        if any(word in text for word in _RUNTIME_WORDS):
            return "runtime"
        if "RunnableConfig" in text:
            return "config"
        if parameter.name == "config" and any(word in text for word in _CONFIG_WORDS):
            return "config"
        if "Any" not in text:
            return None
    names = {"config": "config", "runtime": "runtime", "server_runtime": "runtime"}
    return names.get(parameter.name)


def _first_bare(
    parameter: inspect.Parameter,
    found: list[tuple[str, str, bool]],
    parameters: list[inspect.Parameter],
    *,
    name: str,
) -> str:
    """Return what a required parameter of another name gets: the config, if it is the only one."""
    bare = parameter.annotation is parameter.empty
    required = [item for item in parameters if item.default is item.empty]
    if bare and len(required) == 1 and not found:
        return "config"
    raise LoadError(
        f"`{name}` wants the argument `{parameter.name}`, which ThreadHub cannot give: take "
        "`config: RunnableConfig`, `runtime: ServerRuntime`, or nothing.",
        code="factory_arguments",
    )


def _hints(plain: Any) -> dict[str, Any]:
    try:
        return typing.get_type_hints(plain)
    except Exception:  # noqa: BLE001  # a name that only a type checker imports; the text is read
        return dict(getattr(plain, "__annotations__", {}))


def _text(hint: Any) -> str:
    return hint.__name__ if isinstance(hint, type) else str(hint)

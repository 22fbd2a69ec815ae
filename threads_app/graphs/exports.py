"""The forms in which a module may export a graph; this is where further forms are added."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING

from langgraph.graph import StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.pregel import Pregel

from threads_app.graphs.failures import LoadError

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

    from threads_app.graphs.targets import GraphSpec

_SHOWN = 6


def graph_of(module: ModuleType, *, spec: GraphSpec, path: Path) -> tuple[Pregel, str]:
    """Return the graph a module exports, compiled, and its form. Raises LoadError."""
    export = _export(module, spec=spec, path=path)
    if isinstance(export, CompiledStateGraph):
        return export, "compiled graph"
    if isinstance(export, Pregel):
        return export, "functional graph"
    if isinstance(export, StateGraph):
        return _compiled(export, spec=spec), "uncompiled graph"
    form = _form(export)
    if form:
        raise LoadError(
            f"`{spec.variable}` is {form}: this export form is not supported yet; export a "
            "compiled graph or a StateGraph.",
            code="form_unsupported",
        )
    raise LoadError(
        f"`{spec.variable}` in `{spec.source}` is of type {type(export).__name__}, not a graph: "
        "name a compiled graph or a StateGraph.",
        code="not_a_graph",
    )


def _export(module: ModuleType, *, spec: GraphSpec, path: Path) -> object:
    names = vars(module)
    if spec.variable in names:
        return names[spec.variable]
    graphs = [name for name, value in names.items() if isinstance(value, Pregel | StateGraph)]
    known = ", ".join(f"`{name}`" for name in graphs[:_SHOWN])
    offer = f"it has {known}" if known else "it has no graph at its top level"
    raise LoadError(
        f"`{spec.source}` defines no `{spec.variable}`; {offer}. Correct {path.name}.",
        code="name_missing",
    )


def _compiled(builder: StateGraph, *, spec: GraphSpec) -> Pregel:
    try:
        return builder.compile()
    except Exception as error:
        # Validation, reducers and schemas of the project run here and may raise anything.
        raise LoadError(
            f"`{spec.variable}` does not compile: {type(error).__name__}: {error}. "
            "Correct the graph.",
            code="does_not_compile",
        ) from error


def _form(export: object) -> str:
    """Return the name of a form that is known but not built here yet, or an empty text."""
    if not callable(export) or inspect.isclass(export):
        return ""
    plain = inspect.unwrap(export)
    plain = plain.func if isinstance(plain, functools.partial) else plain
    if inspect.isasyncgenfunction(plain):
        return "an async context-manager factory"
    if inspect.isgeneratorfunction(plain):
        return "a context-manager factory"
    return "an async factory" if inspect.iscoroutinefunction(plain) else "a factory"

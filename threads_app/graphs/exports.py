"""The forms in which a module may export a graph; this is where further forms are added."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from langgraph.graph import StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.pregel import Pregel

from threads_app.graphs.factories import Factory, factory_of, is_factory
from threads_app.graphs.failures import LoadError

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

    from threads_app.graphs.targets import GraphSpec

COMPILED, UNCOMPILED, FUNCTIONAL = "compiled graph", "uncompiled graph", "functional graph"
_SHOWN = 6


@dataclass(frozen=True, kw_only=True, eq=False)
class Export:
    """What a project exports: a graph that can be built any time, or a factory of graphs."""

    form: str
    build: Callable[[], Pregel[Any, Any, Any, Any]] | None = None
    factory: Factory | None = None


def export_of(module: ModuleType, *, spec: GraphSpec, path: Path) -> Export:
    """Return what a module exports under the name its project gives. Raises LoadError."""
    found = _export(module, spec=spec, path=path)
    if isinstance(found, CompiledStateGraph):
        return Export(form=COMPILED, build=lambda: found)
    if isinstance(found, Pregel):
        return Export(form=FUNCTIONAL, build=lambda: found)
    if isinstance(found, StateGraph):
        return Export(form=UNCOMPILED, build=lambda: _compiled(found, spec=spec))
    if is_factory(found):
        factory = factory_of(found, name=spec.variable)
        return Export(form=factory.form, factory=factory)
    raise LoadError(
        f"`{spec.variable}` in `{spec.source}` is of type {type(found).__name__}, not a graph: "
        "name a compiled graph, a StateGraph, or a function that makes one.",
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

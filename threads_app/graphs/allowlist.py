"""Which types a graph's checkpoints may hold, so that they come back as what they were."""

from __future__ import annotations

import dataclasses
import sys
from enum import Enum
from types import ModuleType
from typing import TYPE_CHECKING, Any

from langgraph._internal import _serde
from langgraph.graph.state import CompiledStateGraph
from langgraph.pregel import Pregel
from pydantic import BaseModel

from threads_app.graphs import folders

if TYPE_CHECKING:
    from collections.abc import Iterator

    from threads_app.graphs.project import Project

PACKAGE = "threadhub_projects"


def allowlist_of(graph: Pregel, *, project: Project) -> frozenset[tuple[str, ...]]:
    """Return the types of the graph's schemas, its subgraphs' and the project's own.

    The project's modules must be imported already.
    """
    return frozenset({*project.serde_allowlist, *project_types(project), *graph_types(graph)})


def graph_types(graph: Pregel) -> frozenset[tuple[str, ...]]:
    """Return the types of the schemas of a graph and of all its subgraphs."""
    result = _schema_types(graph)
    for _, subgraph in graph.get_subgraphs(recurse=True):
        if isinstance(subgraph, Pregel):
            result |= _schema_types(subgraph)
    return frozenset(result)


def project_types(project: Project) -> set[tuple[str, ...]]:
    """Return the data types that the project's imported modules define at top level."""
    return {
        (module.__name__, name)
        for module in project_modules(project)
        for name, value in list(vars(module).items())
        if _is_data_type(value) and (value.__module__, value.__name__) == (module.__name__, name)
    }


def project_modules(project: Project) -> Iterator[ModuleType]:
    """Yield the imported modules whose files belong to the project."""
    prefix = f"{PACKAGE}.{project.slug}."
    for name, module in list(sys.modules.items()):
        if isinstance(module, ModuleType) and module.__name__ == name:
            file = getattr(module, "__file__", None)
            if name.startswith(prefix) or folders.is_own(project, file):
                yield module


def _is_data_type(value: object) -> bool:
    if not isinstance(value, type):
        return False
    is_named_tuple = issubclass(value, tuple) and hasattr(value, "_fields")
    return issubclass(value, BaseModel | Enum) or dataclasses.is_dataclass(value) or is_named_tuple


def _schema_types(graph: Pregel) -> set[tuple[str, ...]]:
    """Return what `compile()` derives; `with_config()` and `copy()` drop it, so it is redone."""
    schemas: list[type[Any]] = []
    if isinstance(graph, CompiledStateGraph):
        schemas = _builder_schemas(graph)
    elif graph.context_schema is not None:
        schemas = [graph.context_schema]
    derived = _serde.build_serde_allowlist(schemas=schemas, channels=dict(graph.channels))
    return derived | (graph._serde_allowlist or set())


def _builder_schemas(graph: CompiledStateGraph) -> list[type[Any]]:
    builder = graph.builder
    schemas = [builder.state_schema, builder.input_schema, builder.output_schema]
    schemas += [node.input_schema for node in builder.nodes.values()]
    for branches in builder.branches.values():
        schemas += [branch.input_schema for branch in branches.values() if branch.input_schema]
    if builder.context_schema is not None:
        schemas.append(builder.context_schema)
    return schemas

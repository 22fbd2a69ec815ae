"""A loaded graph as plain JSON: what pages show without importing anything."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from langgraph.graph.state import CompiledStateGraph
from langgraph.pregel import Pregel
from pydantic import PydanticUserError

from threads_app.graphs import fingerprint
from threads_app.graphs.encoding import plain
from threads_app.graphs.schemas import json_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

logger = logging.getLogger(__name__)

SCHEMAS = ("input", "output", "state", "config", "context")


@dataclass(frozen=True, kw_only=True)
class GraphDescription:
    """Nodes, edges, schemas and channels of one graph; every value is plain JSON."""

    nodes: list[dict[str, Any]]
    edges: list[dict[str, Any]]
    # The same with every subgraph drawn in place of its node.
    xray: dict[str, Any]
    # By namespace, each with nodes, edges and schemas.
    subgraphs: dict[str, dict[str, Any]]
    # A schema that cannot be generated is None, and `missing_schemas` says why.
    schemas: dict[str, dict[str, Any] | None]
    missing_schemas: dict[str, str]
    interrupt_points: dict[str, list[str]]
    channels: dict[str, str]
    output_channels: list[str]
    stream_channels: list[str]
    has_context_schema: bool

    def as_json(self) -> dict[str, Any]:
        """Return the whole description as one JSON object."""
        return asdict(self)


def describe(graph: Pregel) -> GraphDescription:
    """Describe a compiled graph; a drawing or schema that fails is left out, never raised."""
    drawing = _drawing(graph)
    schemas, missing = _schemas(graph)
    return GraphDescription(
        nodes=drawing["nodes"],
        edges=drawing["edges"],
        xray=_drawing(graph, is_deep=True),
        subgraphs=_subgraphs(graph),
        schemas=schemas,
        missing_schemas=missing,
        interrupt_points=fingerprint.interrupt_points(graph),
        channels=fingerprint.channel_kinds(graph),
        output_channels=_listed(graph.output_channels),
        stream_channels=_listed(graph.stream_channels_asis),
        has_context_schema=graph.context_schema is not None,
    )


def _subgraphs(graph: Pregel) -> dict[str, dict[str, Any]]:
    found = graph.get_subgraphs(recurse=True)
    return {
        name: {**_drawing(inner), "schemas": _schemas(inner)[0]}
        for name, inner in found
        if isinstance(inner, Pregel)
    }


def _drawing(graph: Pregel, *, is_deep: bool = False) -> dict[str, Any]:
    try:
        drawn = plain(graph.get_graph(xray=is_deep).to_json(with_schemas=False))
    except Exception:
        # Drawing walks the user's own objects; nodes without edges are better than no graph.
        logger.debug("a graph could not be drawn", exc_info=True)
        drawn = {"nodes": [{"id": name, "data": {"name": name}} for name in graph.nodes]}
    return {"nodes": drawn.get("nodes", []), "edges": drawn.get("edges", [])}


def _schemas(graph: Pregel) -> tuple[dict[str, dict[str, Any] | None], dict[str, str]]:
    readers: Mapping[str, Callable[[], dict[str, Any] | None]] = {
        "input": lambda: _own_or_rebuilt(graph, graph.get_input_jsonschema, "input_schema"),
        "output": lambda: _own_or_rebuilt(graph, graph.get_output_jsonschema, "output_schema"),
        "state": lambda: _state_schema(graph),
        "config": lambda: _config_schema(graph),
        "context": lambda: _context_schema(graph),
    }
    found: dict[str, dict[str, Any] | None] = {}
    missing: dict[str, str] = {}
    for name, read in readers.items():
        try:
            found[name] = plain(read())
        except Exception as error:
            # Schemas run the user's own Pydantic hooks, which may raise anything.
            logger.exception("a schema could not be generated", extra={"schema": name})
            found[name] = None
            missing[name] = f"{type(error).__name__}: {str(error).splitlines()[0][:200]}"
    return found, missing


def _state_schema(graph: Pregel) -> dict[str, Any]:
    if isinstance(graph, CompiledStateGraph):
        return json_schema(of=graph.builder.state_schema)
    return graph.get_output_jsonschema()


def _own_or_rebuilt(
    graph: Pregel, read: Callable[[], dict[str, Any]], attribute: str
) -> dict[str, Any]:
    try:
        return read()
    except PydanticUserError:
        if not isinstance(graph, CompiledStateGraph):
            raise
        return json_schema(of=getattr(graph.builder, attribute))


def _context_schema(graph: Pregel) -> dict[str, Any] | None:
    return None if graph.context_schema is None else json_schema(of=graph.context_schema)


def _config_schema(graph: Pregel) -> dict[str, Any] | None:
    """Return what `configurable` may hold: the context, as clients of older releases ask for."""
    context = _context_schema(graph)
    if context is None:
        return None
    inner = {key: value for key, value in context.items() if key != "$defs"}
    schema = {"type": "object", "title": "Config", "properties": {"configurable": inner}}
    return {**schema, "$defs": context["$defs"]} if "$defs" in context else schema


def _listed(value: object) -> list[str]:
    return [value] if isinstance(value, str) else [str(item) for item in value]  # type: ignore[attr-defined]

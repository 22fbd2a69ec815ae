"""What loading gives: a graph ready to be bound to a saver, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from threads_app.graphs import inputs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langgraph.checkpoint.base import BaseCheckpointSaver
    from langgraph.pregel import Pregel
    from langgraph.store.base import BaseStore

    from threads_app.graphs.description import GraphDescription
    from threads_app.graphs.targets import GraphSpec

AnyGraph: TypeAlias = "Pregel[Any, Any, Any, Any]"

# `Pregel.copy()` hands on what its constructor takes; these two it forgets, and with them
# Pydantic and dataclass outputs of the newer streaming interface.
_FORGOTTEN = ("_output_mapper", "_state_mapper")


@dataclass(frozen=True, kw_only=True, eq=False)
class LoadedGraph:
    """A compiled graph of a project with everything pages and runs need to know of it."""

    spec: GraphSpec
    project: str
    graph: AnyGraph
    form: str
    fingerprint: str
    allowlist: frozenset[tuple[str, ...]]
    description: GraphDescription
    # "file" or "module"; "working directory" where the path only fits from there.
    found: str
    notes: tuple[str, ...]
    import_seconds: float
    code_revision: str

    @property
    def name(self) -> str:
        """Return the graph's name as written in the project."""
        return self.spec.name

    def bind(
        self, *, checkpointer: BaseCheckpointSaver, store: BaseStore | None = None
    ) -> AnyGraph:
        """Return a copy that keeps its state with this saver, its types allowed.

        Cheap enough for every run. Subgraphs keep what they were compiled with.
        """
        update: dict[str, Any] = {"checkpointer": checkpointer.with_allowlist(self.allowlist)}
        if store is not None:
            update["store"] = store
        bound = self.graph.copy(update=update)
        for name in _FORGOTTEN:
            setattr(bound, name, getattr(self.graph, name))
        return bound

    def check_input(self, value: object) -> None:
        """Raise InputUnfit when a JSON input cannot fit the graph's input schema."""
        inputs.check_input(self.graph, value, schema=self.input_schema)

    @property
    def input_schema(self) -> Mapping[str, Any] | None:
        """Return the JSON schema of the input, None where it cannot be generated."""
        return self.description.schemas["input"]


@dataclass(frozen=True, kw_only=True)
class FailedGraph:
    """A graph that could not be loaded: a stable code and one sentence with what to do."""

    spec: GraphSpec
    project: str
    code: str
    reason: str
    import_seconds: float = 0.0

    @property
    def name(self) -> str:
        """Return the graph's name as written in the project."""
        return self.spec.name

"""What loading gives: a graph ready to be opened by whoever uses it, or why there is none."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from django.conf import settings

from threadhub.kernel.errors import Invalid
from threads_app.graphs import building, contexts, fingerprint, inputs, sidedoor
from threads_app.graphs.allowlist import graph_types
from threads_app.graphs.building import BuildTooSlow
from threads_app.graphs.cache import GraphCache

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver
    from langgraph.pregel import Pregel
    from langgraph.store.base import BaseStore

    from threads_app.graphs.access import Operation
    from threads_app.graphs.description import GraphDescription
    from threads_app.graphs.exports import Export
    from threads_app.graphs.targets import GraphSpec

AnyGraph: TypeAlias = "Pregel[Any, Any, Any, Any]"

# `Pregel.copy()` hands on what its constructor takes; these two it forgets, and with them
# Pydantic and dataclass outputs of the newer streaming interface.
_FORGOTTEN = ("_output_mapper", "_state_mapper")

compiled: GraphCache[AnyGraph] = GraphCache(lambda: int(settings.GRAPH_CACHE_SIZE))


class GraphChanged(Invalid):
    """A factory built a graph of another shape than the one that was loaded."""

    code = "graph_changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A graph in use. `build_seconds`: what its factory took, None where there is no factory."""

    graph: AnyGraph
    build_seconds: float | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class LoadedGraph:
    """A graph of a project with everything pages and runs need to know of it."""

    spec: GraphSpec
    project: str
    export: Export
    # What a factory built when it was loaded; it is never run.
    sample: AnyGraph | None = None
    shape: Mapping[str, Any]
    fingerprint: str
    allowlist: frozenset[tuple[str, ...]]
    description: GraphDescription
    # "file" or "module"; "working directory" where the path only fits from there.
    found: str
    notes: tuple[str, ...]
    import_seconds: float
    code_revision: str
    build_key: str = ""

    @property
    def name(self) -> str:
        """Return the graph's name as written in the project."""
        return self.spec.name

    @property
    def form(self) -> str:
        """Return the form in which the project exports the graph."""
        return self.export.form

    @property
    def graph(self) -> AnyGraph:
        """Return the compiled graph, or what a factory built when it was loaded.

        For its structure only: to use it, open it.
        """
        if self.export.build is None:
            assert self.sample is not None
            return self.sample
        key = (self.project, self.name, self.code_revision, self.build_key)
        return compiled.get(key, self.export.build)

    @asynccontextmanager
    async def opened(self, operation: Operation) -> AsyncIterator[Opened]:
        """Yield the graph for one use, bound to the saver and store of the operation.

        A factory builds it now and its context is left afterwards, whatever happened.
        Raises BuildTooSlow, NoGraphBuilt, GraphChanged, and what the factory raises.
        """
        factory = self.export.factory
        if factory is None:
            yield Opened(graph=self._bound(self.graph, operation))
            return
        async with building.built(factory, operation, name=self.name) as made:
            self._check_shape(made.graph)
            yield Opened(
                graph=self._bound(made.graph, operation, extra=graph_types(made.graph)),
                build_seconds=made.seconds,
            )

    @contextmanager
    def at_hand(self, operation: Operation) -> Iterator[AnyGraph]:
        """Yield the graph for one use, like `opened`, in a thread without an event loop."""
        if self.export.factory is None:
            yield self._bound(self.graph, operation)
            return
        try:
            # Building and leaving have the same limit; the rest is for the loop to answer.
            with sidedoor.entered(self.opened(operation), seconds=building.limit() + 2) as opened:
                yield opened.graph
        except sidedoor.LoopBlocked as error:
            raise BuildTooSlow(
                f"The factory of `{self.name}` blocks its event loop: it must not wait in "
                "synchronous code."
            ) from error

    def bind(
        self, *, checkpointer: BaseCheckpointSaver, store: BaseStore | None = None
    ) -> AnyGraph:
        """Return a copy of `graph` that keeps its state with this saver, its types allowed."""
        return bound(self.graph, checkpointer=self.reading(checkpointer), store=store)

    def reading(self, checkpointer: BaseCheckpointSaver[Any]) -> BaseCheckpointSaver[Any]:
        """Return the saver with the graph's types allowed."""
        return checkpointer.with_allowlist(self.allowlist)

    def check_input(self, value: object) -> None:
        """Raise InputUnfit when a JSON input cannot fit the graph's input schema."""
        inputs.check_input(self.graph, value, schema=self.input_schema)

    def context(
        self, given: Mapping[str, Any] | None, *, config: Mapping[str, Any] | None = None
    ) -> Any:
        """Return the context to run with, defaults filled in. Raises ContextUnfit."""
        configurable = (config or {}).get("configurable")
        return contexts.filled(self.graph.context_schema, given, configurable=configurable)

    @property
    def input_schema(self) -> Mapping[str, Any] | None:
        """Return the JSON schema of the input, None where it cannot be generated."""
        return self.description.schemas["input"]

    def _bound(
        self,
        graph: AnyGraph,
        operation: Operation,
        *,
        extra: frozenset[tuple[str, ...]] = frozenset(),
    ) -> AnyGraph:
        saver = operation.checkpointer
        if saver is not None:
            saver = saver.with_allowlist(self.allowlist | extra)
        return bound(graph, checkpointer=saver, store=operation.store)

    def _check_shape(self, graph: AnyGraph) -> None:
        difference = fingerprint.difference(self.shape, fingerprint.shape(graph))
        if difference:
            raise GraphChanged(
                f"The factory of `{self.name}` built another graph than when it was loaded: "
                f"{difference}. It must build the same nodes, edges and channels every time."
            )


def bound(
    graph: AnyGraph,
    *,
    checkpointer: BaseCheckpointSaver[Any] | None,
    store: BaseStore | None = None,
) -> AnyGraph:
    """Return a copy that uses this saver and store; subgraphs keep what they were compiled with.

    Cheap enough for every run.
    """
    update: dict[str, Any] = {"checkpointer": checkpointer}
    if store is not None:
        update["store"] = store
    copy = graph.copy(update=update)
    for name in _FORGOTTEN:
        setattr(copy, name, getattr(graph, name))
    return copy


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

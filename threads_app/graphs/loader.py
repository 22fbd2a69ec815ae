"""Import the graphs of one project; a graph that fails never takes its siblings along."""

from __future__ import annotations

import importlib
import logging
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from threadhub.kernel.errors import ThreadHubError
from threads_app.graphs import (
    building,
    environment,
    exports,
    files,
    fingerprint,
    folders,
    interpreter,
    sidedoor,
)
from threads_app.graphs.access import INTROSPECTION, Operation
from threads_app.graphs.allowlist import allowlist_of
from threads_app.graphs.description import describe
from threads_app.graphs.failures import LoadError, explain, explain_factory
from threads_app.graphs.loaded import FailedGraph, LoadedGraph
from threads_app.graphs.revision import code_revision

if TYPE_CHECKING:
    from types import ModuleType

    from langgraph.pregel import Pregel

    from threads_app.graphs.exports import Export
    from threads_app.graphs.project import Project
    from threads_app.graphs.targets import GraphSpec

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a graph is not to be imported: what an earlier check found."""

    code: str
    reason: str


def load(
    project: Project, *, refused: Mapping[str, Refusal] | None = None
) -> list[LoadedGraph | FailedGraph]:
    """Import every graph of a project that is not refused, in the order of the file.

    Puts the project's folders on `sys.path` and its variables into the environment.
    """
    prepare(project)
    loading = Loading(project, refused=refused)
    return [loading.outcome(spec) for spec in project.graphs]


def prepare(project: Project) -> None:
    """Make the project importable: its folders last on `sys.path`, its variables set."""
    for folder in folders.import_folders(project):
        # Last, so that a project's `redis.py` cannot take a package away from the server.
        if str(folder) not in sys.path:
            sys.path.append(str(folder))
    importlib.invalidate_caches()
    kept = environment.apply(project.env)
    if kept:
        logger.warning(
            "variables of a project are set differently by the environment, which wins",
            extra={"project": project.slug, "variables": kept},
        )


class Loading:
    """One pass over a project; a file that fails is executed once, not once per graph."""

    def __init__(
        self,
        project: Project,
        *,
        refused: Mapping[str, Refusal] | None = None,
        operations: tuple[Operation, ...] = (INTROSPECTION,),
    ) -> None:
        """Take for granted what is refused; build a factory once for each operation."""
        self.project = project
        self.revision = code_revision(project)
        self.broken: dict[str, LoadError] = {}
        self._refused = refused or {}
        self._operations = operations

    def outcome(self, spec: GraphSpec) -> LoadedGraph | FailedGraph:
        """Return the graph of one entry, or why there is none."""
        started = time.perf_counter()
        try:
            if spec.name in self._refused:
                refusal = self._refused[spec.name]
                raise LoadError(refusal.reason, code=refusal.code)
            return self._loaded(spec, started=started)
        except LoadError as failure:
            return FailedGraph(
                spec=spec,
                project=self.project.slug,
                code=failure.code,
                reason=str(failure),
                import_seconds=_since(started),
            )

    def imported(self, spec: GraphSpec) -> bool:
        """Import the module of one entry and say whether that worked; `outcome` says why not."""
        try:
            if spec.is_runnable:
                self._module(spec)
        except LoadError:
            return False
        return spec.is_runnable

    def _loaded(self, spec: GraphSpec, *, started: float) -> LoadedGraph:
        if spec.problem:
            raise LoadError(spec.problem, code=spec.problem_code)
        module, found = self._module(spec)
        export = exports.export_of(module, spec=spec, path=self.project.path)
        graph = self._sample(export, spec)
        try:
            shape = fingerprint.shape(graph)
            return LoadedGraph(
                spec=spec,
                project=self.project.slug,
                export=export,
                sample=graph if export.factory else None,
                shape=shape,
                fingerprint=fingerprint.digest(shape),
                allowlist=allowlist_of(graph, project=self.project),
                description=describe(graph),
                found=found,
                notes=_notes(graph, spec=spec, found=found),
                import_seconds=_since(started),
                code_revision=self.revision,
                build_key=spec.target,
            )
        except Exception as error:
            logger.exception("a graph could not be described", extra={"graph": spec.name})
            raise explain(error, spec=spec, project=self.project) from error

    def _sample(self, export: Export, spec: GraphSpec) -> Pregel:
        if export.build is not None:
            return export.build()
        try:
            return _sampled(export, self._operations, spec=spec)
        except LoadError:
            raise
        except sidedoor.LoopBlocked as error:
            raise LoadError(
                f"The factory `{spec.variable}` did not return within {building.limit():g} s and "
                "blocks its event loop: correct it.",
                code=building.BuildTooSlow.code,
            ) from error
        except ThreadHubError as error:
            raise LoadError(error.message, code=error.code) from error
        except Exception as error:
            # The project's code: it may raise anything.
            logger.warning("a factory failed", extra={"graph": spec.name}, exc_info=True)
            raise explain_factory(error, spec=spec, project=self.project) from error

    def _module(self, spec: GraphSpec) -> tuple[ModuleType, str]:
        if spec.source in self.broken:
            raise self.broken[spec.source]
        try:
            with interpreter.preserved():
                return _import(spec, self.project)
        except (LoadError, KeyboardInterrupt):
            raise
        except BaseException as error:
            # The edge between the server and a stranger's module: it may raise anything, also
            # what is no Exception, such as SystemExit or CancelledError.
            failure = explain(error, spec=spec, project=self.project)
            logger.warning(
                "a graph's module failed to import", extra={"graph": spec.name}, exc_info=True
            )
            self.broken[spec.source] = failure
            raise failure from error


def _import(spec: GraphSpec, project: Project) -> tuple[ModuleType, str]:
    if spec.kind == "module":
        return importlib.import_module(spec.source), "module"
    file, found = files.locate(spec.source, root=project.root)
    return files.load_file(file, project=project), found


def _sampled(export: Export, operations: tuple[Operation, ...], *, spec: GraphSpec) -> Pregel:
    """Build a factory's graph once for each operation and return the first; all must be alike."""
    assert export.factory is not None
    graphs = []
    for operation in operations:
        manager = building.built(export.factory, operation, name=spec.name)
        with sidedoor.entered(manager, seconds=building.limit() + 2) as made:
            graphs.append(made.graph)
    first, *others = graphs
    for other in others:
        difference = fingerprint.difference(fingerprint.shape(first), fingerprint.shape(other))
        if difference:
            raise LoadError(
                f"The factory `{spec.variable}` builds another graph each time: {difference}. "
                "It must build the same nodes, edges and channels every time.",
                code="graph_changed",
            )
    return first


def _since(started: float) -> float:
    return round(time.perf_counter() - started, 3)


def _notes(graph: Pregel, *, spec: GraphSpec, found: str) -> tuple[str, ...]:
    notes = []
    if found == "working directory":
        notes.append(f"`{spec.source}` was found from the working directory, not from the file.")
    if graph.checkpointer is False:
        notes.append("Compiled with checkpointer=False: ThreadHub keeps its state all the same.")
    elif graph.checkpointer not in (None, True):
        saver = type(graph.checkpointer).__name__
        notes.append(f"Compiled with its own saver ({saver}): ThreadHub's is used instead.")
    if graph.store is not None:
        store = type(graph.store).__name__
        notes.append(f"Compiled with its own store ({store}): ThreadHub's is used instead.")
    return tuple(notes)

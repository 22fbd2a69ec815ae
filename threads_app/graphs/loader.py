"""Import the graphs of one project; a graph that fails never takes its siblings along."""

from __future__ import annotations

import importlib
import logging
import sys
import time
from typing import TYPE_CHECKING

from threads_app.graphs import environment, exports, files, folders
from threads_app.graphs.allowlist import allowlist_of
from threads_app.graphs.description import describe
from threads_app.graphs.failures import LoadError, explain
from threads_app.graphs.fingerprint import fingerprint
from threads_app.graphs.loaded import FailedGraph, LoadedGraph
from threads_app.graphs.revision import code_revision

if TYPE_CHECKING:
    from types import ModuleType

    from langgraph.pregel import Pregel

    from threads_app.graphs.project import Project
    from threads_app.graphs.targets import GraphSpec

logger = logging.getLogger(__name__)


def load(project: Project) -> list[LoadedGraph | FailedGraph]:
    """Import every graph of a project, in the order of the file.

    Puts the project's folders on `sys.path` and its variables into the environment.
    """
    prepare(project)
    loading = _Loading(project)
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


class _Loading:
    """One pass over a project; a file that fails is executed once, not once per graph."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.revision = code_revision(project)
        self.broken: dict[str, LoadError] = {}

    def outcome(self, spec: GraphSpec) -> LoadedGraph | FailedGraph:
        started = time.perf_counter()
        try:
            return self._loaded(spec, started=started)
        except LoadError as failure:
            return FailedGraph(
                spec=spec,
                project=self.project.slug,
                code=failure.code,
                reason=str(failure),
                import_seconds=_since(started),
            )

    def _loaded(self, spec: GraphSpec, *, started: float) -> LoadedGraph:
        if spec.problem:
            raise LoadError(spec.problem, code=spec.problem_code)
        module, found = self._module(spec)
        graph, form = exports.graph_of(module, spec=spec, path=self.project.path)
        try:
            return LoadedGraph(
                spec=spec,
                project=self.project.slug,
                graph=graph,
                form=form,
                fingerprint=fingerprint(graph),
                allowlist=allowlist_of(graph, project=self.project),
                description=describe(graph),
                found=found,
                notes=_notes(graph, spec=spec, found=found),
                import_seconds=_since(started),
                code_revision=self.revision,
            )
        except Exception as error:
            logger.exception("a graph could not be described", extra={"graph": spec.name})
            raise explain(error, spec=spec, project=self.project) from error

    def _module(self, spec: GraphSpec) -> tuple[ModuleType, str]:
        if spec.source in self.broken:
            raise self.broken[spec.source]
        try:
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
        notes.append(f"Compiled with its own store ({store}), replaced where ThreadHub gives one.")
    return tuple(notes)

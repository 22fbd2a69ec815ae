"""The graphs of this process: imported once, on first use, whoever asks first."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from threadhub.kernel.errors import Invalid
from threads_app.graphs import clashes, loader
from threads_app.graphs.loaded import FailedGraph, LoadedGraph
from threads_app.graphs.project import Project, ProjectError, read_project

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from threads_app.graphs.loader import Refusal
    from threads_app.graphs.targets import GraphSpec

logger = logging.getLogger(__name__)


class GraphUnknown(Invalid):
    """No project of this installation names the graph."""

    code = "graph_unknown"


class GraphFailed(Invalid):
    """The graph is named in a project but could not be loaded; the message says why."""

    code = "graph_failed"


@dataclass(frozen=True, kw_only=True)
class ProjectReport:
    """What became of one project: its graphs, or the one sentence why there are none."""

    path: Path
    project: Project | None = None
    problem: str | None = None
    graphs: tuple[LoadedGraph | FailedGraph, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Report:
    """The outcome of loading every project of the process, in their order."""

    projects: tuple[ProjectReport, ...] = ()
    by_name: Mapping[str, LoadedGraph | FailedGraph] = field(default_factory=dict)

    @property
    def loaded(self) -> tuple[LoadedGraph, ...]:
        """Return the graphs that can run."""
        return tuple(item for item in self.by_name.values() if isinstance(item, LoadedGraph))

    @property
    def failed(self) -> tuple[FailedGraph, ...]:
        """Return every graph that cannot run, also those whose name another one has."""
        every = (graph for project in self.projects for graph in project.graphs)
        return tuple(graph for graph in every if isinstance(graph, FailedGraph))


class Catalog:
    """Loads projects once and hands out graphs by name; safe for threads."""

    def __init__(self) -> None:
        # Reentrant: a graph's module may itself ask for a graph while it is imported.
        self._lock = threading.RLock()
        self._paths: tuple[Path, ...] = ()
        self._refused: Mapping[Path, Mapping[str, Refusal]] = {}
        self._report: Report | None = None

    def configure(self, paths: Iterable[str | Path]) -> None:
        """Say which projects there are; nothing is read or imported before the first use."""
        chosen = tuple(dict.fromkeys(Path(path).expanduser() for path in paths))
        with self._lock:
            if chosen != self._paths:
                self._paths, self._report = chosen, None

    def load_all(
        self,
        paths: Iterable[str | Path] | None = None,
        *,
        refused: Mapping[Path, Mapping[str, Refusal]] | None = None,
    ) -> Report:
        """Import every project once per process and return what became of each.

        What is refused, by project file and graph, is not imported.
        """
        with self._lock:
            if paths is not None:
                self.configure(paths)
            if refused is not None:
                self._refused = refused
            if self._report is None:
                # Set first, so that a module asking back while it loads finds an empty catalog.
                self._report = Report()
                self._report = self._load()
            return self._report

    def _load(self) -> Report:
        try:
            return _load_projects(self._paths, refused=self._refused)
        except BaseException:
            # The next one asking tries again instead of finding an empty catalog for ever.
            self._report = None
            raise

    def get(self, name: str) -> LoadedGraph:
        """Return a graph by name. Raises GraphUnknown or GraphFailed."""
        report = self._report if self._report and self._report.projects else self.load_all()
        found = report.by_name.get(name)
        if found is None:
            known = ", ".join(f"`{item}`" for item in list(report.by_name)[:8]) or "none"
            raise GraphUnknown(
                f"There is no graph `{name[:100]}`. Known graphs: {known}.",
                fields={"graph": ["Unknown graph."]},
            )
        if isinstance(found, FailedGraph):
            raise GraphFailed(f"The graph `{name}` cannot run: {found.reason}")
        return found

    def report(self) -> Report:
        """Return the outcome of loading; loads when nothing asked before."""
        return self.load_all()


def _load_projects(
    paths: Iterable[Path], *, refused: Mapping[Path, Mapping[str, Refusal]]
) -> Report:
    reports: list[ProjectReport] = []
    by_name: dict[str, LoadedGraph | FailedGraph] = {}
    for path in paths:
        before = [item.project for item in reports if item.project and not item.problem]
        report = _load_project(path, before=before, refused=refused.get(path, {}))
        reports.append(_without_duplicates(report, by_name))
    return Report(projects=tuple(reports), by_name=by_name)


def _load_project(
    path: Path, *, before: list[Project], refused: Mapping[str, Refusal]
) -> ProjectReport:
    try:
        project = read_project(path)
        return _load_beside(project, path=path, before=before, refused=refused)
    except OSError as error:
        logger.warning("a project cannot be read", extra={"project": str(path)}, exc_info=True)
        return ProjectReport(path=path, problem=f"{path} cannot be read: {error}.")
    except ProjectError as error:
        logger.warning("a project cannot be read", extra={"project": str(path), "code": error.code})
        return ProjectReport(path=path, problem=error.message)


def _load_beside(
    project: Project, *, path: Path, before: list[Project], refused: Mapping[str, Refusal]
) -> ProjectReport:
    for first in before:
        why = clashes.clash(project, first=first)
        if why:
            problem = f"The project {project.slug} {why}"
            logger.warning("a project clashes with another", extra={"project": project.slug})
            failed = tuple(_clashing(spec, project, problem) for spec in project.graphs)
            return ProjectReport(path=path, project=project, problem=problem, graphs=failed)
    shadowed = clashes.shadowed_modules(project)
    warnings = (*project.warnings, *(_shadow_warning(name) for name in shadowed))
    graphs = tuple(loader.load(project, refused=refused))
    return ProjectReport(path=path, project=project, graphs=graphs, warnings=warnings)


def _clashing(spec: GraphSpec, project: Project, problem: str) -> FailedGraph:
    return FailedGraph(spec=spec, project=project.slug, code="project_clash", reason=problem)


def _shadow_warning(name: str) -> str:
    return f"The module `{name}` is hidden by an installed package of that name: rename it."


def _without_duplicates(
    report: ProjectReport, by_name: dict[str, LoadedGraph | FailedGraph]
) -> ProjectReport:
    kept: list[LoadedGraph | FailedGraph] = []
    for graph in report.graphs:
        other = by_name.setdefault(graph.name, graph)
        kept.append(graph if other is graph else _duplicate(graph, other))
    return ProjectReport(
        path=report.path,
        project=report.project,
        problem=report.problem,
        graphs=tuple(kept),
        warnings=report.warnings,
    )


def _duplicate(graph: LoadedGraph | FailedGraph, other: LoadedGraph | FailedGraph) -> FailedGraph:
    return FailedGraph(
        spec=graph.spec,
        project=graph.project,
        code="name_taken",
        reason=f"The project {other.project} already has a graph `{graph.name}`: rename one.",
    )


_catalog = Catalog()
configure = _catalog.configure
load_all = _catalog.load_all
get = _catalog.get
report = _catalog.report

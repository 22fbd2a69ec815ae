"""Write what a process learned by loading the graphs into their rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings

from threadhub.kernel import audit, transactions
from threads_app.graphs import building, catalog
from threads_app.graphs.loaded import FailedGraph, LoadedGraph, compiled
from threads_app.graphs.project import ProjectError, read_project
from threads_app.graphs.revision import code_revision
from threads_app.models import Graph
from threads_app.services import assistants, checks
from threads_app.services.checks import Checked

if TYPE_CHECKING:
    from threads_app.graphs.building import BuildCounts
    from threads_app.graphs.cache import Counts
    from threads_app.graphs.catalog import Report


def load(*, now: datetime) -> Report:
    """Load every project of the installation in this process and store what it found."""
    return _stored(catalog.load_all(_paths()), Checked(), now=now)


def load_checked(*, now: datetime, say: Callable[[str], None] | None = None) -> Report:
    """Load as `load` does, but try what is new or changed in a process of its own first.

    What fails there is not imported here. `say` is told before something takes its time.
    """
    checked = checks.before_loading(_paths(), now=now, say=say)
    return _stored(catalog.load_all(_paths(), refused=checked.refused), checked, now=now)


def load_stored() -> Report:
    """Load in this process what another one has checked and stored; writes nothing."""
    return catalog.load_all(_paths(), refused=checks.known_refusals(_paths()))


def _paths() -> list[Path]:
    return [Path(path).expanduser() for path in settings.PROJECTS]


def _stored(report: Report, checked: Checked, *, now: datetime) -> Report:
    with transactions.atomic(), audit.machinery("graph catalogue"):
        for graph in report.by_name.values():
            _store(graph, now, checked.reports.get(graph.name, {}))
        Graph.objects.exclude(name__in=report.by_name).update(status=Graph.Status.GONE)
    return report


def _store(graph: LoadedGraph | FailedGraph, now: datetime, checked: Mapping[str, Any]) -> None:
    values = _loaded(graph) if isinstance(graph, LoadedGraph) else _failed(graph)
    known: dict[str, Any] = {
        "project": graph.project,
        "target": f"{graph.spec.target}"[:500],
        "text": graph.spec.description or "",
        "import_seconds": graph.import_seconds,
        "loaded_at": now,
    }
    defaults = {**known, **values, **checked}
    row, _ = Graph.objects.update_or_create(name=graph.name, defaults=defaults)
    assistants.ensure_default(graph=row, now=now)


def _loaded(graph: LoadedGraph) -> dict[str, Any]:
    return {
        "status": Graph.Status.LOADED,
        "problem": "",
        "problem_code": "",
        "form": graph.form,
        "notes": list(graph.notes),
        "fingerprint": graph.fingerprint,
        "revision": graph.code_revision,
        "description": graph.description.as_json(),
    }


def _failed(graph: FailedGraph) -> dict[str, Any]:
    # The last good description stays: threads that wait on the graph are still shown.
    return {
        "status": Graph.Status.FAILED,
        "problem": graph.reason,
        "problem_code": graph.code[:50],
    }


def cache_counts() -> tuple[Counts, BuildCounts]:
    """Return how this process used its compiled graphs, and what its factories built."""
    return compiled.counts(), building.counts()


def changed_projects(graphs: Iterable[Graph]) -> set[str]:
    """Return the projects whose files changed after these graphs were loaded from them.

    Reads the files, imports nothing.
    """
    loaded = {graph.project: graph.revision for graph in graphs if graph.revision}
    changed = set()
    for path in settings.PROJECTS:
        try:
            project = read_project(path)
        except ProjectError:
            continue
        if loaded.get(project.slug, "") not in {"", code_revision(project)}:
            changed.add(project.slug)
    return changed

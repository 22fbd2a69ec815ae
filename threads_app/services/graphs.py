"""Write what a process learned by loading the graphs into their rows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings

from threadhub.kernel import audit, transactions
from threads_app.graphs import catalog
from threads_app.graphs.loaded import FailedGraph, LoadedGraph
from threads_app.graphs.project import ProjectError, read_project
from threads_app.graphs.revision import code_revision
from threads_app.models import Graph
from threads_app.services import assistants

if TYPE_CHECKING:
    from threads_app.graphs.catalog import Report


def load(*, now: datetime) -> Report:
    """Load every project of the installation in this process and store what it found."""
    report = catalog.load_all([Path(path) for path in settings.PROJECTS])
    with transactions.atomic(), audit.machinery("graph catalogue"):
        for graph in report.by_name.values():
            _store(graph, now)
        Graph.objects.exclude(name__in=report.by_name).update(status=Graph.Status.GONE)
    return report


def _store(graph: LoadedGraph | FailedGraph, now: datetime) -> None:
    values = _loaded(graph) if isinstance(graph, LoadedGraph) else _failed(graph)
    known: dict[str, Any] = {
        "project": graph.project,
        "target": f"{graph.spec.target}"[:500],
        "text": graph.spec.description or "",
        "import_seconds": graph.import_seconds,
        "loaded_at": now,
    }
    row, _ = Graph.objects.update_or_create(name=graph.name, defaults={**known, **values})
    assistants.ensure_default(graph=row, now=now)


def _loaded(graph: LoadedGraph) -> dict[str, Any]:
    return {
        "status": Graph.Status.LOADED,
        "problem": "",
        "notes": list(graph.notes),
        "fingerprint": graph.fingerprint,
        "revision": graph.code_revision,
        "description": graph.description.as_json(),
    }


def _failed(graph: FailedGraph) -> dict[str, Any]:
    # The last good description stays: threads that wait on the graph are still shown.
    return {"status": Graph.Status.FAILED, "problem": graph.reason}


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

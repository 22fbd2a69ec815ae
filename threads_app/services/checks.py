"""Check graphs in processes of their own before the server imports them, and keep the result."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from threadhub.kernel import audit, transactions
from threads_app.graphs.checking.keys import key_of
from threads_app.graphs.checking.results import FAILS, GraphCheck, ProjectCheck
from threads_app.graphs.checking.running import check
from threads_app.graphs.loader import Refusal
from threads_app.graphs.project import Project, ProjectError, read_project
from threads_app.models import Graph

# What cost a process or its whole time is not tried again at every start.
_LASTING = frozenset({"hangs", "crashes", "exits", "memory", "forks", "signals_others"})
_UNTRIED = "It is tried again when something changes, or by check_project."


@dataclass(frozen=True, slots=True)
class Checked:
    """What is known before importing: the refusals by project file, the reports by graph."""

    refused: dict[Path, dict[str, Refusal]] = field(default_factory=dict)
    reports: dict[str, dict[str, Any]] = field(default_factory=dict)


def before_loading(
    paths: Iterable[Path], *, now: datetime, say: Callable[[str], None] | None = None
) -> Checked:
    """Check what has changed since it was last checked; the rest is known from the rows.

    Takes up to THREADHUB_CHECK_SECONDS for each project with something new.
    """
    checked = Checked()
    for path in paths:
        try:
            project = read_project(path)
        except (ProjectError, OSError):
            # Loading says why.
            continue
        _look(project, path=path, checked=checked, now=now, say=say)
    return checked


def _look(
    project: Project,
    *,
    path: Path,
    checked: Checked,
    now: datetime,
    say: Callable[[str], None] | None,
) -> None:
    key = key_of(project)
    rows = {row.name: row for row in Graph.objects.filter(project=project.slug)}
    specs = [spec for spec in project.graphs if spec.is_runnable]
    new = [spec.name for spec in specs if _is_new(rows.get(spec.name), key)]
    refused = checked.refused.setdefault(path, {})
    for spec in specs:
        if spec.name not in new and (refusal := _known_refusal(rows[spec.name])):
            refused[spec.name] = refusal
    if not new:
        return
    if say is not None:
        say(f"Checking {len(new)} graphs of {project.slug}, which are new or have changed.")
    result = check(project, names=new)
    for graph in result.graphs:
        checked.reports[graph.name] = _values(result, graph, key=key, now=now)
        if not graph.is_loadable:
            refused[graph.name] = Refusal(code=graph.code, reason=graph.problem)


def known_refusals(paths: Iterable[Path]) -> dict[Path, dict[str, Refusal]]:
    """Return what earlier checks refused, by project file and graph; 1 query a project."""
    known: dict[Path, dict[str, Refusal]] = {}
    for path in paths:
        try:
            rows = Graph.objects.filter(project=read_project(path).slug)
        except (ProjectError, OSError):
            # Loading says why.
            continue
        found = {row.name: _known_refusal(row) for row in rows}
        known[path] = {name: refusal for name, refusal in found.items() if refusal}
    return known


def _is_new(row: Graph | None, key: str) -> bool:
    if row is None or row.check_key != key:
        return True
    has_failed = row.check_report.get("outcome") == FAILS
    return has_failed and row.check_report.get("code") not in _LASTING


def _known_refusal(row: Graph) -> Refusal | None:
    report = row.check_report
    if report.get("outcome") != FAILS:
        return None
    return Refusal(code=report["code"], reason=f"{report['problem']} {_UNTRIED}")


def project_at(path: str) -> ProjectCheck:
    """Check the project of a path. Raises ProjectError, OSError."""
    return check(read_project(path))


def keep(result: ProjectCheck, *, now: datetime) -> int:
    """Write a check into the rows of a project of this installation; return how many there are.

    Rows are made when graphs are loaded, not here.
    """
    if Path(result.path) not in {_file(path) for path in settings.PROJECTS}:
        return 0
    key = key_of(read_project(result.path))
    kept = 0
    with transactions.atomic(), audit.machinery("graph catalogue"):
        for graph in result.graphs:
            rows = Graph.objects.filter(project=result.project, name=graph.name)
            kept += rows.update(**_values(result, graph, key=key, now=now))
    return kept


def _file(path: str | Path) -> Path:
    found = Path(path).expanduser().resolve()
    return found / "langgraph.json" if found.is_dir() else found


def _values(result: ProjectCheck, graph: GraphCheck, *, key: str, now: datetime) -> dict[str, Any]:
    report = {
        **graph.as_json(),
        "missing_packages": list(result.missing_packages),
        "warnings": list(result.warnings),
    }
    return {"check_report": report, "check_key": key, "checked_at": now}

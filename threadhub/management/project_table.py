"""How the check of a project looks in a terminal."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from threads_app.graphs.checking.results import GraphCheck, ProjectCheck

# A table in a log must not be cut to the width of a terminal that is not there.
LOG_WIDTH = 110
_COLUMNS = ("Graph", "Result", "Export", "Nodes", "Channels", "Stops", "Context")
_LISTED = 6


class ProjectTable:
    """Prints one table, and below it a sentence for whatever needs one."""

    def __init__(self, stream: IO[str] | Any) -> None:
        self._console = Console(file=stream, highlight=False, markup=False, emoji=False)
        if not self._console.is_terminal:
            self._console.width = LOG_WIDTH

    def show(self, result: ProjectCheck) -> None:
        """Print the result of a check."""
        table = Table(header_style="bold")
        for name in _COLUMNS:
            table.add_column(name, overflow="fold")
        table.add_column("Seconds", justify="right", no_wrap=True)
        for graph in result.graphs:
            table.add_row(*_cells(graph), f"{graph.import_seconds:.2f}")
        self._console.print(table)
        for line in _sentences(result):
            self._say(line)

    def _say(self, text: str) -> None:
        self._console.print(text, soft_wrap=True)


def _cells(graph: GraphCheck) -> list[str]:
    if not graph.is_loadable:
        return [graph.name, graph.outcome, *[""] * (len(_COLUMNS) - 2)]
    nodes = [name for name in graph.nodes if not name.startswith("__")]
    stops = graph.interrupt_points
    shown_stops = [f"{when} {name}" for when in ("before", "after") for name in stops.get(when, [])]
    context = (graph.context_schema or {}).get("properties", {})
    return [
        graph.name,
        graph.outcome,
        graph.form,
        _listed(nodes),
        _listed(list(graph.channels)),
        _listed(shown_stops),
        _listed(list(context)),
    ]


def _listed(names: list[str]) -> str:
    more = len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {more} more" if more > 0 else "")


def _sentences(result: ProjectCheck) -> list[str]:
    lines = [f"{graph.name}: {graph.problem}" for graph in result.graphs if graph.problem]
    lines += [f"{graph.name}: {note}" for graph in result.graphs for note in graph.notes]
    lines += list(result.warnings)
    if result.missing_packages:
        missing = ", ".join(result.missing_packages)
        lines.append(f"Not installed: {missing}. Install with: make project PROJECT={result.path}")
    good = sum(graph.is_loadable for graph in result.graphs)
    lines.append(f"{good} of {len(result.graphs)} graphs load, checked in {result.seconds:.1f} s.")
    return lines

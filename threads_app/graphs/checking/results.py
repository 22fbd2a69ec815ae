"""What a check found, as plain data for tables, rows and JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

LOADS, FAILS, FOREIGN = "loads", "fails", "not runnable here"


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphCheck:
    """One graph: that it loads and what it is, or one sentence why not and what to do."""

    name: str
    target: str
    outcome: str
    code: str = ""
    problem: str = ""
    form: str = ""
    found: str = ""
    notes: list[str] = field(default_factory=list)
    nodes: list[str] = field(default_factory=list)
    channels: dict[str, str] = field(default_factory=dict)
    interrupt_points: dict[str, list[str]] = field(default_factory=dict)
    context_schema: dict[str, Any] | None = None
    fingerprint: str = ""
    import_seconds: float = 0.0
    # The beginning of what it printed, and how many bytes that were.
    output: str = ""
    printed: int = 0

    @property
    def is_loadable(self) -> bool:
        """Return whether the server may import the graph."""
        return self.outcome == LOADS

    def as_json(self) -> dict[str, Any]:
        """Return everything as one JSON object."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectCheck:
    """A project and its graphs, in the order of its file."""

    path: str
    project: str
    code_revision: str
    graphs: tuple[GraphCheck, ...]
    warnings: tuple[str, ...] = ()
    ignored_keys: tuple[str, ...] = ()
    # Packages that the project asks for and that are not installed.
    missing_packages: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def is_good(self) -> bool:
        """Return whether every graph loads that could run here."""
        return all(graph.outcome != FAILS for graph in self.graphs)

    def as_json(self) -> dict[str, Any]:
        """Return everything as one JSON object."""
        return asdict(self)

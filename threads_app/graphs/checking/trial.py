"""Load the graphs of one file, in a process that exists only for that."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from threads_app.graphs.access import INTROSPECTION
from threads_app.graphs.checking.guards import Guard, fork_refusal, limit_process
from threads_app.graphs.loaded import FailedGraph, LoadedGraph
from threads_app.graphs.loader import Loading, prepare

if TYPE_CHECKING:
    from threads_app.graphs.project import Project
    from threads_app.graphs.targets import GraphSpec

# A factory must build the same graph whatever it is asked for.
OPERATIONS = (INTROSPECTION, replace(INTROSPECTION, access="threads.read"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a trial may use. `memory` in bytes."""

    seconds: float
    memory: int
    is_network_allowed: bool


def run(project: Project, specs: list[GraphSpec], *, limits: Limits, pipe: int) -> None:
    """Load each graph and write what came of it to the pipe, one JSON line each."""
    limit_process(memory=limits.memory, seconds=limits.seconds)
    trial = _Trial(project, limits=limits, pipe=pipe)
    for spec in specs:
        trial.load(spec)


class _Trial:
    def __init__(self, project: Project, *, limits: Limits, pipe: int) -> None:
        self._guard = Guard(is_network_allowed=limits.is_network_allowed)
        self._guard.install()
        prepare(project)
        self._loading = Loading(project, operations=OPERATIONS)
        self._pipe = pipe
        self._pid = os.getpid()
        # The hosts that the file itself dialed, which concern each of its graphs.
        self._at_import: list[str] = []

    def load(self, spec: GraphSpec) -> None:
        self._write({"at": spec.name})
        self._guard.dialed = list(self._at_import)
        self._loading.imported(spec)
        self._at_import = list(self._guard.dialed)
        self._write({"imported": spec.name})
        outcome = self._loading.outcome(spec)
        if isinstance(outcome, LoadedGraph) and self._guard.forks:
            outcome = self._forking(outcome)
        sys.stdout.flush()
        self._write({"graph": self._shown(outcome)})

    def _forking(self, outcome: LoadedGraph) -> FailedGraph:
        # It caught the refusal; in the server nothing would have refused.
        spec = outcome.spec
        reason = fork_refusal().sentence(f"`{spec.source}`")
        return FailedGraph(spec=spec, project=outcome.project, code="forks", reason=reason)

    def _shown(self, outcome: LoadedGraph | FailedGraph) -> dict[str, Any]:
        shown: dict[str, Any] = {"name": outcome.name, "import_seconds": outcome.import_seconds}
        if isinstance(outcome, FailedGraph):
            return {**shown, "code": outcome.code, "problem": outcome.reason}
        notes = [
            *outcome.notes,
            *(f"Connects to {host} when loaded." for host in self._guard.dialed),
        ]
        told = outcome.description
        return {
            **shown,
            "form": outcome.form,
            "found": outcome.found,
            "notes": notes,
            "nodes": [str(node.get("id")) for node in told.nodes],
            "channels": told.channels,
            "interrupt_points": told.interrupt_points,
            "context_schema": told.schemas["context"],
            "fingerprint": outcome.fingerprint,
        }

    def _write(self, line: dict[str, Any]) -> None:
        # A copy of this process, made where nothing can refuse it, has nothing to say.
        if os.getpid() == self._pid:
            data = json.dumps(line, ensure_ascii=True, default=str).encode() + b"\n"
            while data:
                data = data[os.write(self._pipe, data) :]

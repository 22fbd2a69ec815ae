"""The checker's own process: imports LangGraph once, then forks one child for each file.

Reads one JSON request on its standard input and writes one JSON line for each graph.
"""

from __future__ import annotations

import json
import logging
import os
import selectors
import signal
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.conf import settings

from threads_app.graphs.checking.children import Child
from threads_app.graphs.checking.trial import Limits, run
from threads_app.graphs.project import Project, read_project

if TYPE_CHECKING:
    from threads_app.graphs.targets import GraphSpec

# Children that take longer than this are taken to wait, so others may start beside them.
PATIENCE = 2.0
_TURN = 0.05
_CRASH = 70


def main() -> None:
    """Serve one request."""
    request = json.load(sys.stdin)
    answers = os.dup(1)
    os.dup2(2, 1)
    # Every sentence goes back as data; its traceback is not the module's output.
    logging.getLogger("threads_app").addHandler(logging.NullHandler())
    logging.getLogger("threads_app").propagate = False
    settings.configure(BUILD_SECONDS=request["build_seconds"], GRAPH_CACHE_SIZE=1000)
    project = read_project(request["path"])
    names = set(request["names"])
    specs = [spec for spec in project.graphs if spec.name in names]
    Warden(project, specs, request=request, answers=answers).watch()


class Warden:
    """Keeps children going until every graph has its sentence or the time is up."""

    def __init__(
        self, project: Project, specs: list[GraphSpec], *, request: dict[str, Any], answers: int
    ) -> None:
        self._project = project
        self._specs = {spec.name: spec for spec in specs}
        self._limits = Limits(
            seconds=request["seconds"],
            memory=request["memory"],
            is_network_allowed=request["network"],
        )
        self._until = time.monotonic() + request["seconds"]
        self._slots = (os.cpu_count() or 1) + 1
        self._answers = answers
        self._waiting = list(_by_source(specs))
        self._running: list[Child] = []
        self._selector = selectors.DefaultSelector()

    def watch(self) -> None:
        """Return when nothing is waiting and nothing runs."""
        self._say({"ready": True})
        while self._waiting or self._running:
            is_late = time.monotonic() > self._until
            if is_late:
                self._waiting.clear()
            while self._waiting and self._busy() < self._slots:
                self._start(self._waiting.pop(0))
            for key, _ in self._selector.select(_TURN):
                if not key.data.read(key.fd):
                    self._selector.unregister(key.fd)
            for child in list(self._running):
                if child.is_ended or is_late:
                    self._end(child, is_late=not child.is_ended)

    def _busy(self) -> int:
        now = time.monotonic()
        return sum(now - child.started < PATIENCE for child in self._running)

    def _start(self, names: list[str]) -> None:
        def body(pipe: int) -> None:
            specs = [self._specs[name] for name in names]
            run(self._project, specs, limits=self._limits, pipe=pipe)

        self._say({"started": names})
        child = Child(names, body=body, keep=self._answers)
        self._running.append(child)
        for pipe in (child.results, child.output):
            os.set_blocking(pipe, False)
            self._selector.register(pipe, selectors.EVENT_READ, child)

    def _end(self, child: Child, *, is_late: bool) -> None:
        self._running.remove(child)
        # First, so that what it still prints has an end.
        child.kill()
        for pipe in (child.results, child.output):
            if pipe in self._selector.get_map():
                self._selector.unregister(pipe)
                while child.read(pipe):
                    pass
        child.close()
        for graph in child.done.values():
            self._say({"graph": {**graph, **_output(child)}})
        left = [name for name in child.names if name not in child.done]
        if not left:
            return
        failed = [child.at] if child.is_imported else left
        why = self._late(child) if is_late else _ended(child, self._specs[child.at])
        for name in failed:
            seconds = round(time.monotonic() - child.started, 3)
            shown = {"name": name, "import_seconds": seconds, **why, **_output(child)}
            self._say({"graph": shown})
        if rest := [name for name in left if name not in failed]:
            self._waiting.append(rest)

    def _late(self, child: Child) -> dict[str, str]:
        spec = self._specs[child.at]
        what = (
            f"The factory `{spec.variable}`" if child.is_imported else f"Importing `{spec.source}`"
        )
        return {
            "code": "hangs",
            "problem": f"{what} did not end within {self._limits.seconds:.0f} s: correct it, or "
            "give it more time with THREADHUB_CHECK_SECONDS.",
        }

    def _say(self, line: dict[str, Any]) -> None:
        data = json.dumps(line, ensure_ascii=True).encode() + b"\n"
        while data:
            data = data[os.write(self._answers, data) :]


def _by_source(specs: list[GraphSpec]) -> Iterator[list[str]]:
    """Yield the names of the graphs of each file, those in the order of the project."""
    found: dict[str, list[str]] = {}
    for spec in specs:
        found.setdefault(spec.source, []).append(spec.name)
    yield from found.values()


def _output(child: Child) -> dict[str, Any]:
    return {"output": child.text(), "printed": child.printed}


def _ended(child: Child, spec: GraphSpec) -> dict[str, str]:
    assert child.status is not None
    what = f"calling `{spec.variable}`" if child.is_imported else f"importing `{spec.source}`"
    code = os.waitstatus_to_exitcode(child.status)
    if code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
        hint = ", perhaps for want of memory" if -code == signal.SIGKILL else ""
        return {
            "code": "crashes",
            "problem": f"The process ended by {name}{hint} while {what}: correct it.",
        }
    if code == _CRASH:
        tail = child.text().splitlines()[-1:] or ["no message"]
        return {"code": "crashes", "problem": f"The check failed while {what}: {tail[0][:200]}."}
    return {
        "code": "exits",
        "problem": f"The process ended with code {code} (os._exit) while {what}: remove that.",
    }

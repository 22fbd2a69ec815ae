"""Check a project: start the warden, collect what it says, start it again if it is killed."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from django.conf import settings

from threadhub.kernel.observability.redaction import redact_text
from threads_app.graphs import packages
from threads_app.graphs.checking.results import FAILS, FOREIGN, LOADS, GraphCheck, ProjectCheck
from threads_app.graphs.revision import code_revision

if TYPE_CHECKING:
    from threads_app.graphs.project import Project
    from threads_app.graphs.targets import GraphSpec

# The packages' folder comes first, as in the server; arguments are none of the project's business.
_BOOT = (
    "import sys; sys.path[0] = sys.argv.pop(); "
    "from threads_app.graphs.checking.warden import main; main()"
)
_ROOT = Path(__file__).resolve().parents[3]

logger = logging.getLogger(__name__)

# For starting the warden, and for its last words after the time of the graphs.
_START_SECONDS = 60.0
_GRACE = 10.0


def check(
    project: Project, *, seconds: float | None = None, names: Iterable[str] | None = None
) -> ProjectCheck:
    """Try every graph of a project, or those named, in processes of their own.

    Takes at most `seconds` (THREADHUB_CHECK_SECONDS) and what starting the processes takes.
    """
    started = time.monotonic()
    wanted = set(names) if names is not None else {spec.name for spec in project.graphs}
    specs = [spec for spec in project.graphs if spec.name in wanted]
    runnable = [spec.name for spec in specs if spec.is_runnable]
    found = _found(project, runnable, seconds or settings.CHECK_SECONDS) if runnable else {}
    return ProjectCheck(
        path=str(project.path),
        project=project.slug,
        code_revision=code_revision(project),
        graphs=tuple(_result(spec, found.get(spec.name)) for spec in specs),
        warnings=project.warnings,
        ignored_keys=project.ignored_keys,
        missing_packages=packages.missing(project),
        seconds=round(time.monotonic() - started, 3),
    )


def _found(project: Project, names: list[str], seconds: float) -> dict[str, dict[str, Any]]:
    """Return what became of each graph; who kills the warden is found by trying one by one."""
    found: dict[str, dict[str, Any]] = {}
    until = time.monotonic() + seconds
    if suspects := _round(project, names, found, seconds=seconds):
        logger.warning("the checker was ended by a graph", extra={"project": project.slug})
        for name in suspects:
            if _round(project, [name], found, seconds=max(until - time.monotonic(), 1)):
                found[name] = _killer(name)
        rest = [name for name in names if name not in found]
        _round(project, rest, found, seconds=max(until - time.monotonic(), 1))
    return found


def _round(
    project: Project,
    names: list[str],
    found: dict[str, dict[str, Any]],
    *,
    seconds: float,
) -> list[str]:
    """Run one warden and collect its results. Returns the graphs under way when it was killed."""
    if not names:
        return []
    process = subprocess.Popen(
        [sys.executable, "-c", _BOOT, str(_ROOT)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        with contextlib.suppress(BrokenPipeError), process.stdin as pipe:
            pipe.write(_request(project, names, seconds=seconds))
        underway = _collected(_lines(process.stdout, seconds=seconds + _GRACE), found)
    except TimeoutError:
        # Nobody killed it, the machine is too busy: what is left counts as not checked.
        logger.warning("the checker did not end in time", extra={"project": project.slug})
        return []
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.stdout.close()
        process.wait()
    return underway


def _request(project: Project, names: list[str], *, seconds: float) -> bytes:
    request = {
        "path": str(project.path),
        "names": names,
        "seconds": seconds,
        # A hanging factory must be cut before the whole check is.
        "build_seconds": min(settings.BUILD_SECONDS, seconds / 4),
        "memory": settings.CHECK_MEMORY_MB * 1024 * 1024,
        "network": settings.CHECK_NETWORK,
    }
    return json.dumps(request).encode()


def _collected(lines: Iterator[dict[str, Any]], found: dict[str, dict[str, Any]]) -> list[str]:
    """Note what came of each graph. Returns those that were started and have no result."""
    started: list[str] = []
    for line in lines:
        started += line.get("started", [])
        if "graph" in line:
            found[line["graph"]["name"]] = line["graph"]
    return [name for name in started if name not in found]


def _lines(pipe: IO[bytes], *, seconds: float) -> Iterator[dict[str, Any]]:
    """Yield the warden's lines; the time counts from its first. Raises TimeoutError."""
    until = time.monotonic() + _START_SECONDS
    is_ready = False
    rest = b""
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while selector.select(max(until - time.monotonic(), 0)):
            data = os.read(pipe.fileno(), 65_536)
            if not data:
                return
            if not is_ready:
                is_ready, until = True, time.monotonic() + seconds
            *lines, rest = (rest + data).split(b"\n")
            yield from (json.loads(line) for line in lines)
    raise TimeoutError


def _killer(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "code": "crashes",
        "problem": "The graph ends the process that checks it: correct it.",
    }


def _result(spec: GraphSpec, found: dict[str, Any] | None) -> GraphCheck:
    common: dict[str, Any] = {"name": spec.name, "target": spec.target}
    if spec.problem:
        outcome = FOREIGN if spec.problem_code == "javascript" else FAILS
        return GraphCheck(**common, outcome=outcome, code=spec.problem_code, problem=spec.problem)
    if found is None:
        problem = "The check did not get to this graph in its time: try again."
        return GraphCheck(**common, outcome=FAILS, code="unchecked", problem=problem)
    values = dict(found)
    for key in {"output", "problem"} & set(values):
        values[key] = redact_text(values[key])
    values.pop("name")
    notes = [*values.pop("notes", []), *_printing(values)]
    return GraphCheck(
        **common, **values, notes=notes, outcome=FAILS if found.get("code") else LOADS
    )


def _printing(values: dict[str, Any]) -> list[str]:
    printed = values.get("printed", 0)
    return [f"Prints {printed} bytes when imported."] if printed else []

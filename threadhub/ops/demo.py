"""The demo run: an audit of the environment ThreadHub itself runs in."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import DatabaseError

from threadhub.kernel import clock
from threadhub.kernel.errors import Invalid
from threadhub.ops import preparing
from threadhub.ops.lock import AlreadyRunning, InstallationLock
from threads_app.graphs import catalog
from threads_app.models import Graph, Interrupt, Run
from threads_app.selectors import assistants, usage
from threads_app.services import runs, threads
from threads_app.services.runs import RunOrder

if TYPE_CHECKING:
    from threads_app.selectors.usage import Usage

GRAPH = "audit"
TITLE = "Environment audit"
SERVER_SECONDS = 60.0
LOOK_SECONDS = 0.2


class DemoMissing(Invalid):
    """The installation does not have the demo graph, or it cannot run."""

    code = "demo_missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What one run did and added to the store."""

    run: Run
    steps: int
    checkpoints: int
    bytes: int
    seconds: float


def is_installed() -> bool:
    """Say whether the demo project is among the installation's projects and can run."""
    return Graph.objects.filter(name=GRAPH, status=Graph.Status.LOADED).exists()


def prepare() -> bool:
    """Make the demo runnable from this process; say whether people were made.

    Prepares the installation, unless a server holds it and has done so. Raises DemoMissing.
    """
    lock = InstallationLock(settings.VAR_DIR)
    try:
        lock.take(address="make demo")
    except AlreadyRunning:
        _use_prepared()
        return False
    try:
        preparing.migrate()
        made = preparing.people()
        report = preparing.load_graphs()
    finally:
        lock.release()
    _require(report)
    return made


def _use_prepared() -> None:
    pause, deadline = threading.Event(), time.monotonic() + SERVER_SECONDS
    while not _is_prepared():
        if time.monotonic() > deadline:
            raise DemoMissing(
                f"The server that runs on {settings.VAR_DIR} does not serve the demo project. "
                "Stop it first, or set THREADHUB_VAR to another folder."
            )
        pause.wait(LOOK_SECONDS)
    # The rows of the graphs are the server's; this process only imports them.
    _require(catalog.load_all([Path(path) for path in settings.PROJECTS]))


def _is_prepared() -> bool:
    try:
        return is_installed()
    except DatabaseError:
        # The server is still making the tables.
        return False


def _require(report: catalog.Report) -> None:
    found = report.by_name.get(GRAPH)
    if found in report.loaded:
        return
    problems = [project.problem for project in report.projects if project.problem]
    problems += [graph.reason for graph in report.failed if graph.name == GRAPH]
    raise DemoMissing(" ".join(problems) or f"No project of THREADHUB_PROJECTS names `{GRAPH}`.")


def start(*, actor: Any) -> Run:
    """Start an audit on a new thread of the actor."""
    assistant = assistants.resolve(GRAPH, user=actor)
    now = clock.now()
    thread = threads.create(actor=actor, now=now, assistant=assistant, title=TITLE)
    order = RunOrder(input={}, metadata={"demo": True})
    return runs.start(thread=thread, assistant=assistant, actor=actor, order=order, now=now)


def start_first(*, actor: Any) -> Run | None:
    """Start the demo run unless the installation has had one."""
    if not is_installed() or Run.objects.filter(graph__name=GRAPH).exists():
        return None
    return start(actor=actor)


def question_of(run: Run, *, actor: Any) -> Interrupt | None:
    """Return what the run left open, None when it asks nothing."""
    asked = Interrupt.objects.open().visible_to(actor, "execute")
    asked = asked.select_related("thread", "run__graph")
    return asked.filter(thread=run.thread_id).order_by("id").first()


def answer(question: Interrupt, *, actor: Any, approve: bool) -> Run:
    """Start the run that carries the answer. Raises NothingToAnswer naming who was first."""
    action = {"action": "approve"} if approve else {"action": "reject", "reason": "Not now."}
    return runs.answer(question=question, answer=action, actor=actor, now=clock.now())


def published(run: Run) -> str:
    """Return the path of the report that was published, empty when none was."""
    run.thread.refresh_from_db(fields=["values_preview"])
    values = run.thread.values_preview
    return str(values.get("published") or "") if isinstance(values, dict) else ""


def figures(run: Run, *, before: Usage) -> Figures:
    """Return the figures of a run that has ended; `before` is its thread's usage until then."""
    after = usage.of_thread(run.thread)
    ended, begun = run.finished_at or run.updated_at, run.started_at or run.created_at
    return Figures(
        run=run,
        steps=usage.steps_of(run),
        checkpoints=after.checkpoints - before.checkpoints,
        bytes=after.bytes - before.bytes,
        seconds=(ended - begun).total_seconds(),
    )

"""The demo session: an audit of the environment ThreadHub itself runs in, by three threads."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import DatabaseError

from sessions_app.selectors import members
from threadhub.coordination import creating
from threadhub.coordination.blueprints import EdgeDraft, MemberDraft
from threadhub.kernel import clock
from threadhub.kernel.errors import Invalid
from threadhub.ops import preparing
from threadhub.ops.lock import AlreadyRunning, InstallationLock
from threads_app.graphs import catalog
from threads_app.models import Graph, Interrupt, Run
from threads_app.selectors import usage
from threads_app.services import runs

if TYPE_CHECKING:
    from sessions_app.models import Plan, Session, SessionThreadAssociation

GRAPHS = ("inventory", "analysis", "report")
# The analysis is handed the inventory; the report waits for the analysis, which leaves its
# findings in LangGraph's store.
DEPENDENCIES = (
    EdgeDraft(
        upstream="inventory",
        downstream="analysis",
        kind="data_flow",
        mapping={"machine": "machine", "packages": "packages"},
    ),
    EdgeDraft(upstream="analysis", downstream="report"),
)
TITLE = "Environment audit"
SERVER_SECONDS = 60.0
LOOK_SECONDS = 0.2


class DemoMissing(Invalid):
    """The installation does not have the demo graphs, or they cannot run."""

    code = "demo_missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What the runs of one thread did and added to the store."""

    name: str
    status: str
    runs: int
    steps: int
    checkpoints: int
    bytes: int
    seconds: float


def is_installed() -> bool:
    """Say whether the demo project is among the installation's projects and can run."""
    found = Graph.objects.filter(name__in=GRAPHS, status=Graph.Status.LOADED)
    return found.count() == len(GRAPHS)


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
    missing = [name for name in GRAPHS if report.by_name.get(name) not in report.loaded]
    if not missing:
        return
    problems = [project.problem for project in report.projects if project.problem]
    problems += [graph.reason for graph in report.failed if graph.name in missing]
    said = f"No project of THREADHUB_PROJECTS names `{missing[0]}`."
    raise DemoMissing(" ".join(problems) or said)


def start(*, actor: Any) -> Plan:
    """Make a session of three threads, owned by the actor, and start its plan."""
    _, plan = creating.create(
        actor=actor,
        members=[MemberDraft(name=name, assistant_id=name) for name in GRAPHS],
        dependencies=DEPENDENCIES,
        now=clock.now(),
        has_start=True,
        title=TITLE,
        metadata={"demo": True},
    )
    assert plan is not None
    return plan


def start_first(*, actor: Any) -> Plan | None:
    """Start the demo unless the installation has had one."""
    if not is_installed() or Run.objects.filter(graph__name__in=GRAPHS).exists():
        return None
    return start(actor=actor)


def question_of(session: Session, *, actor: Any) -> Interrupt | None:
    """Return the oldest question that a thread of the session asks, None when none does."""
    asked = Interrupt.objects.open().visible_to(actor, "execute")
    asked = asked.select_related("thread", "run__graph")
    mine = asked.filter(thread__associations__session=session)
    return mine.order_by("id").first()


def answer(question: Interrupt, *, actor: Any, approve: bool) -> Run:
    """Start the run that carries the answer. Raises NothingToAnswer naming who was first."""
    action = {"action": "approve"} if approve else {"action": "reject", "reason": "Not now."}
    return runs.answer(question=question, answer=action, actor=actor, now=clock.now())


def published(session: Session) -> str:
    """Return the path of the report that was published, empty when none was."""
    report = members.of(session).get(thread_name="report").thread
    values = report.values_preview
    return str(values.get("published") or "") if isinstance(values, dict) else ""


def figures(session: Session) -> list[Figures]:
    """Return what each thread of the session did, in the order of the demo."""
    found = {member.thread_name: member for member in members.of(session)}
    return [_figures(found[name]) for name in GRAPHS]


def _figures(member: SessionThreadAssociation) -> Figures:
    used = usage.of_thread(member.thread)
    done = list(Run.objects.filter(thread=member.thread).select_related("thread").order_by("id"))
    return Figures(
        name=member.thread_name,
        status=done[-1].status if done else "blocked",
        runs=len(done),
        steps=sum(usage.steps_of(run) for run in done),
        checkpoints=used.checkpoints,
        bytes=used.bytes,
        seconds=sum(_seconds(run) for run in done),
    )


def _seconds(run: Run) -> float:
    begun, ended = run.started_at or run.created_at, run.finished_at or run.updated_at
    return (ended - begun).total_seconds()

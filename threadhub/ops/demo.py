"""The demo run: an audit of the environment ThreadHub itself runs in."""

from __future__ import annotations

from typing import Any

from threadhub.kernel import clock
from threads_app.models import Graph, Run
from threads_app.services import runs, threads
from threads_app.services.runs import RunOrder

GRAPH = "audit"
TITLE = "Environment audit"


def is_installed() -> bool:
    """Say whether the demo project is among the installation's projects and can run."""
    return Graph.objects.filter(name=GRAPH, status=Graph.Status.LOADED).exists()


def start(*, actor: Any) -> Run:
    """Start an audit on a new thread of the actor."""
    graph = Graph.objects.get(name=GRAPH)
    now = clock.now()
    thread = threads.create(actor=actor, now=now, graph=graph, title=TITLE)
    order = RunOrder(input={}, metadata={"demo": True})
    return runs.start(thread=thread, graph=graph, actor=actor, order=order, now=now)


def start_first(*, actor: Any) -> Run | None:
    """Start the demo run unless the installation has had one."""
    if not is_installed() or Run.objects.filter(graph__name=GRAPH).exists():
        return None
    return start(actor=actor)

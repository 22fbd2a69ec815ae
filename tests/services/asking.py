"""People, threads and questions as rows, for tests of pages: nothing is executed."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.test import Client

from threadhub.kernel import clock
from threadhub.kernel.rbac import grants
from threads_app.models import Graph, Interrupt, Run, Thread
from threads_app.services import assistants, runs, threads
from threads_app.services.runs import RunOrder

DECISION: dict[str, Any] = {
    "type": "object",
    "properties": {
        "action": {"enum": ["approve", "reject"], "type": "string", "title": "Action"},
        "reason": {"type": "string", "default": "", "maxLength": 20, "title": "Reason"},
    },
    "required": ["action"],
}


def person(name: str, **rights: Any) -> Any:
    """Return an account."""
    return get_user_model().objects.create_user(name, is_active=True, **rights)


def signed_in(user: Any) -> Client:
    """Return a browser of the person's."""
    client = Client()
    client.force_login(user)
    return client


def graph(name: str = "echo", **description: Any) -> Graph:
    """Return a loaded graph with its default assistant, which nothing imports."""
    row = Graph.objects.create(
        name=name,
        project="examples",
        target=f"./{name}.py:graph",
        status=Graph.Status.LOADED,
        description=description,
        loaded_at=clock.now(),
    )
    assistants.ensure_default(graph=row, now=clock.now())
    return row


def thread(owner: Any, of: Graph, title: str = "Report", **values: Any) -> Thread:
    """Return a thread in the state that `values` say."""
    assistant = assistants.ensure_default(graph=of, now=clock.now())
    made = threads.create(actor=owner, now=clock.now(), assistant=assistant, title=title)
    for name, value in values.items():
        setattr(made, name, value)
    made.save(update_fields=list(values))
    return made


def run(on: Thread, actor: Any) -> Run:
    """Return a pending run of the thread's graph."""
    assistant = assistants.ensure_default(graph=on.graph, now=clock.now())  # type: ignore[arg-type]
    return runs.start(
        thread=on, assistant=assistant, actor=actor, order=RunOrder(), now=clock.now()
    )


def question(on: Thread, *, value: Any = "Go on?", schema: Any = None, age: int = 0) -> Interrupt:
    """Return an open question of the thread, asked so many minutes ago."""
    asked_by = Run.objects.filter(thread=on).first() or run(on, on.owner)
    return Interrupt.objects.create(
        thread=on,
        run=asked_by,
        interrupt_id=uuid.uuid4().hex,
        checkpoint_id=uuid.uuid4().hex,
        task_id="task",
        node="ask",
        value=value,
        response_schema=schema,
        created_at=clock.now() - timedelta(minutes=age),
    )


def share(on: Thread, role: str, *, to: Any) -> None:
    """Give somebody a role on the thread."""
    grants.grant(on=on, role=role, to=to, actor=on.owner, now=clock.now())

"""Every route of the API, asked by everybody: hidden, forbidden or open, by the rule.

The routes come from the address table; one that no rule covers fails.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import transaction
from django.test import Client

from architecture.address_table import PUBLIC, methods_of, own_views
from sessions_app.models import Session
from threadhub.coordination import creating
from threadhub.coordination.blueprints import MemberDraft
from threadhub.kernel import clock, operations
from threadhub.kernel.api import sse
from threadhub.kernel.rbac import everywhere, grants
from threadhub.kernel.rbac.actions import ACTIONS
from threads_app.models import Graph, Interrupt, Run, Thread
from threads_app.services import assistants, runs, threads
from threads_app.services.runs import RunOrder

pytestmark = pytest.mark.django_db

OPEN, FORBIDDEN, HIDDEN = "open", "forbidden", "hidden"
ALL = frozenset(ACTIONS)
# What each of them holds on the owner's thread and session.
SHARED = {
    "stranger": frozenset(),
    "viewer": frozenset({"view", "read"}),
    "operator": frozenset({"view", "read", "execute"}),
    "editor": frozenset({"view", "read", "write", "execute"}),
    "owner": ALL,
    "auditor": frozenset({"view"}),
    "superuser": ALL,
}
# Assistants and operations are not shared: what is not owned is reached from everywhere only.
OWNED = {**dict.fromkeys(SHARED, frozenset()), "owner": ALL, "superuser": ALL}
OWNED["auditor"] = frozenset({"view"})
THREAD, ASSISTANT = "api/threads/<str:thread_id>", "api/assistants/<str:assistant_id>"
SESSION, OPERATION = "api/sessions/<str:session_id>", "api/operations/<uuid:operation_id>"
MEMBER, PLAN = f"{SESSION}/threads/<str:name>", f"{SESSION}/plans/<str:plan_id>"
ON_THREAD, ON_SESSION = "api/threads/<str:public_id>", "api/sessions/<str:public_id>"
# What each route below an object needs, by method. Written down here, not read from the views.
NEEDED: dict[str, dict[str, str]] = {
    THREAD: {"GET": "view", "PATCH": "write", "DELETE": "delete"},
    f"{THREAD}/state": {"GET": "read", "POST": "write"},
    f"{THREAD}/state/checkpoint": {"POST": "read"},
    f"{THREAD}/state/<str:checkpoint_id>": {"GET": "read"},
    f"{THREAD}/history": {"GET": "read", "POST": "read"},
    f"{THREAD}/runs": {"GET": "read", "POST": "execute"},
    f"{THREAD}/runs/stream": {"POST": "execute read"},
    f"{THREAD}/runs/wait": {"POST": "execute read"},
    f"{THREAD}/runs/<str:run_id>": {"GET": "read", "DELETE": "delete"},
    f"{THREAD}/runs/<str:run_id>/join": {"GET": "read"},
    f"{THREAD}/runs/<str:run_id>/stream": {"GET": "read"},
    f"{THREAD}/runs/<str:run_id>/cancel": {"POST": "execute"},
    "api/interrupts/<int:interrupt_key>/answer": {"POST": "execute"},
    "api/interrupts/<int:interrupt_key>/claim": {"POST": "execute"},
    "api/interrupts/<int:interrupt_key>/release": {"POST": "execute"},
    f"{THREAD}/copy": {"POST": "execute"},
    f"{THREAD}/storage": {"GET": "read"},
    f"{THREAD}/stream": {"GET": "read"},
    f"{THREAD}/stream/events": {"POST": "execute"},
    f"{THREAD}/commands": {"POST": "execute"},
    f"{THREAD}/runs/crons": {"POST": "execute"},
    f"{ON_THREAD}/grants": {"GET": "view", "POST": "manage"},
    f"{ON_THREAD}/grants/<int:grant_key>": {"DELETE": "manage"},
    f"{ON_THREAD}/access": {"GET": "view"},
    f"{ON_SESSION}/grants": {"GET": "view", "POST": "manage"},
    f"{ON_SESSION}/grants/<int:grant_key>": {"DELETE": "manage"},
    f"{ON_SESSION}/access": {"GET": "view"},
    SESSION: {"GET": "view", "PATCH": "write", "DELETE": "delete"},
    f"{SESSION}/archive": {"POST": "write"},
    f"{SESSION}/unarchive": {"POST": "write"},
    f"{SESSION}/stream": {"GET": "read"},
    f"{SESSION}/threads": {"GET": "view", "POST": "write"},
    MEMBER: {"GET": "read", "DELETE": "write"},
    f"{MEMBER}/runs": {"POST": "execute"},
    f"{MEMBER}/runs/stream": {"POST": "execute read"},
    f"{MEMBER}/runs/wait": {"POST": "execute read"},
    f"{MEMBER}/state": {"GET": "read"},
    f"{MEMBER}/stream": {"GET": "read"},
    f"{SESSION}/plans": {"GET": "view", "POST": "execute"},
    PLAN: {"GET": "read"},
    f"{PLAN}/cancel": {"POST": "execute"},
    OPERATION: {"GET": "view"},
    f"{OPERATION}/cancel": {"POST": "execute"},
    f"{OPERATION}/resume": {"POST": "manage"},
    f"{OPERATION}/stream": {"GET": "view"},
    ASSISTANT: {"GET": "read", "PATCH": "write", "DELETE": "delete"},
    f"{ASSISTANT}/graph": {"GET": "view"},
    f"{ASSISTANT}/schemas": {"GET": "view"},
    f"{ASSISTANT}/subgraphs": {"GET": "view"},
    f"{ASSISTANT}/subgraphs/<str:namespace>": {"GET": "view"},
    f"{ASSISTANT}/versions": {"POST": "read"},
    f"{ASSISTANT}/latest": {"POST": "write"},
}
# Routes that name no object: open to everybody who signed in, each showing one's own.
NAMELESS = {
    *("api/sessions", "api/operations", "api/interrupts"),
    *("api/grants", "api/graphs", "api/graphs/<str:graph_id>"),
    *("api/assistants", "api/assistants/count", "api/assistants/search"),
    *("api/threads", "api/threads/count", "api/threads/search", "api/threads/prune"),
    *("api/runs", "api/runs/batch", "api/runs/cancel", "api/runs/stream", "api/runs/wait"),
    *("api/runs/crons", "api/runs/crons/count", "api/runs/crons/search"),
    *("api/runs/crons/<str:cron_id>", "api/docs", "api/mcp", "api/mcp/", "api/metrics"),
    *("api/live", "api/store/items", "api/store/items/search", "api/store/namespaces"),
}
VIEWS_EVERYTHING = {"auditor", "superuser"}
# What is about rights everywhere: who may, and what the others are told.
SPECIAL: dict[tuple[str, str], tuple[set[str], str]] = {
    ("GET", "api/grants"): (VIEWS_EVERYTHING, FORBIDDEN),
    ("POST", "api/grants"): ({"superuser"}, FORBIDDEN),
    ("DELETE", "api/grants/<int:grant_key>"): ({"superuser"}, FORBIDDEN),
    ("POST", "api/a2a/<str:assistant_id>"): ({"owner", "superuser"}, HIDDEN),
}
RUN = {"assistant_id": "echo"}
# What is checked before the object is looked for must be right.
BODIES: dict[str, Any] = {
    "api/threads/<str:thread_id>/runs": RUN,
    "api/threads/<str:thread_id>/runs/stream": RUN,
    "api/threads/<str:thread_id>/runs/wait": RUN,
    f"{MEMBER}/runs": RUN,
    f"{MEMBER}/runs/stream": RUN,
    f"{MEMBER}/runs/wait": RUN,
}
DOORS = re.compile(
    r"There is no (such )?"
    r"(thread|run|interrupt|session|member|plan|operation|assistant|graph)\b"
)


@dataclass
class Place:
    """A thread with all it can have, shared with one person."""

    client: Client
    ids: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str) -> str:
        """Send the request, undo what it did, and return what its sender is told."""
        address = re.sub(r"<\w+:(\w+)>", lambda found: self.ids[found[1]], path)
        if path.startswith(ON_SESSION):
            address = address.replace(self.ids["public_id"], self.ids["session_id"])
        with transaction.atomic():
            answer = self.client.generic(
                method, f"/{address}", _json(BODIES.get(path, {})), content_type="application/json"
            )
            transaction.set_rollback(True)
        return _told(answer)


def _json(body: Any) -> str:
    import json

    return json.dumps(body)


def _told(answer: Any) -> str:
    if answer.status_code == 403:
        return FORBIDDEN
    if answer.status_code == 404 and DOORS.match(answer.json()["detail"]):
        return HIDDEN
    assert answer.status_code != 401
    return OPEN


def expected(who: str, method: str, path: str) -> str:
    """Return what the rules say. Raises KeyError for a route that none of them covers."""
    if (method, path) in SPECIAL:
        allowed, otherwise = SPECIAL[method, path]
        return OPEN if who in allowed else otherwise
    if path in NAMELESS:
        return OPEN
    is_shared = not {"assistant_id", "operation_id"} & set(re.findall(r":(\w+)>", path))
    held = (SHARED if is_shared else OWNED)[who]
    needed = set(NEEDED[path][method].split())
    if "view" not in held:
        return HIDDEN
    return OPEN if needed <= held else FORBIDDEN


@pytest.fixture
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Place:
    # A stream gives its connection back, which here is the test's own.
    monkeypatch.setattr(sse, "close_old_connections", lambda: None)
    who, people, now = request.param, get_user_model().objects, clock.now()
    root, owner = people.create_superuser("root"), people.create_user("o")
    graph = Graph.objects.create(name="echo", project="p", target="t", status="loaded")
    assistant = assistants.ensure_default(graph=graph, now=now)
    own = assistants.create(actor=owner, now=now, graph=graph, setup=assistants.Setup(name="own"))
    thread = threads.create(actor=owner, now=now, assistant=assistant)
    run = runs.start(thread=thread, assistant=assistant, actor=owner, order=RunOrder(), now=now)
    # The graph is a row only; no process has loaded it.
    with monkeypatch.context() as patched:
        patched.setattr(runs, "check", lambda *_: None)
        hub_session = session_of(thread)
    job = operations.ask(kind="threads.delete", asked_by=owner, now=now, items=[])
    user = {"owner": owner, "superuser": root}.get(who) or sharing(who, hub_session, root)
    friend = people.create_user("friend")
    given = grants.grant(role="viewer", to=friend, on=thread, actor=root, now=now)
    client = Client()
    client.force_login(user)
    ids = {
        "thread_id": thread.public_id,
        "public_id": thread.public_id,
        "run_id": str(run.public_id),
        "checkpoint_id": str(uuid.uuid4()),
        "interrupt_key": str(question_of(thread, run).pk),
        "assistant_id": str(own.public_id),
        "grant_key": str(given.pk),
        "graph_id": "echo",
        "session_id": str(hub_session.public_id),
        "name": "inventory",
        "plan_id": str(hub_session.plans.get().public_id),
        "operation_id": str(job.public_id),
        "cron_id": str(uuid.uuid4()),
        "namespace": "x",
    }
    return Place(client, ids)


def sharing(who: str, hub_session: Session, root: Any) -> Any:
    """Return a new person who holds the role of their name on the session, hence its thread."""
    user, now = get_user_model().objects.create_user(who), clock.now()
    if who == "auditor":
        everywhere.grant_everywhere(role=who, to=user, actor=root, now=now)
    elif SHARED[who]:
        grants.grant(role=who, to=user, on=hub_session, actor=root, now=now)
    return user


def session_of(thread: Thread) -> Session:
    """Return a session of the thread's owner with the thread as `inventory`, and a plan."""
    now = clock.now()
    draft = MemberDraft(name="inventory", assistant_id="echo", thread_id=thread.public_id)
    made, _ = creating.create(
        actor=thread.owner, members=[draft], dependencies=[], now=now, has_start=True
    )
    return made


def question_of(thread: Thread, run: Run) -> Interrupt:
    return Interrupt.objects.create(
        thread=thread,
        run=run,
        interrupt_id=uuid.uuid4().hex,
        checkpoint_id="c",
        task_id="t",
        node="ask",
        created_at=clock.now(),
    )


@pytest.mark.parametrize(("who", "place"), [(who, who) for who in SHARED], indirect=["place"])
def test_every_route_answers_by_the_rule(who: str, place: Place) -> None:
    asked = [
        (method, path)
        for path, view in own_views()
        if path not in PUBLIC
        for method in sorted(methods_of(view))
    ]
    assert len(asked) > 60
    wrong = {
        f"{method} {path}": (told, rule)
        for method, path in asked
        if (told := place.ask(method, path)) != (rule := expected(who, method, path))
    }

    assert wrong == {}


def test_rules_are_about_routes_there_are() -> None:
    paths = {path for path, _ in own_views()}

    assert paths == NAMELESS | {path for _, path in SPECIAL} | set(NEEDED)
    assert paths >= set(BODIES)

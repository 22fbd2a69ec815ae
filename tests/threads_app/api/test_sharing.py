"""Threads shared with other people: what they see of them, and what it costs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client

from threadhub.kernel import clock
from threadhub.kernel.observability.redaction import MASK
from threadhub.kernel.people import keys
from threadhub.kernel.rbac import grants, roles
from threads_app.models import Graph, Interrupt, Thread
from threads_app.services import assistants, runs, threads
from threads_app.services.runs import RunOrder

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
NOW = clock.now()
SECRET = "Ada L."


@pytest.fixture
def owner() -> Any:
    return get_user_model().objects.create_user("owner")


@pytest.fixture
def ada() -> Any:
    return get_user_model().objects.create_user("ada")


@pytest.fixture
def client(ada: Any) -> Client:
    made = Client(headers={"X-Api-Key": keys.create(user=ada, name="", now=NOW)})
    # The first use of a key is noted; later ones are not, for a while.
    made.get("/api/graphs")
    return made


@pytest.fixture
def thread(owner: Any) -> Thread:
    """A thread that holds something about somebody wherever it can."""
    graph = Graph.objects.create(name="echo", project="p", target="t", status="loaded")
    assistant = assistants.ensure_default(graph=graph, now=NOW)
    metadata = {"patient": SECRET, "tags": [SECRET]}
    made = threads.create(actor=owner, now=NOW, assistant=assistant, metadata=metadata)
    order = RunOrder(config={"configurable": {"patient": SECRET}}, metadata={"patient": SECRET})
    run = runs.start(thread=made, assistant=assistant, actor=owner, order=order, now=NOW)
    Interrupt.objects.create(
        thread=made,
        run=run,
        interrupt_id="i" * 32,
        checkpoint_id="c",
        task_id="t",
        node="ask",
        value=SECRET,
        created_at=NOW,
    )
    made.status, made.error = Thread.Status.INTERRUPTED, f"{SECRET} was not found"
    made.values_preview = made.config = {"patient": SECRET}
    made.save()
    return made


def post(client: Client, path: str, body: Any) -> Any:
    return client.post(f"/api/{path}", body, content_type="application/json")


class TestWhoMayOnlyView:
    @pytest.fixture(autouse=True)
    def shared(self, owner: Any, ada: Any, thread: Thread) -> None:
        grants.grant(role="auditor", to=ada, on=thread, actor=owner, now=NOW)

    def test_the_catalogue_row_is_all_they_see(self, client: Client, thread: Thread) -> None:
        shown = client.get(f"/api/threads/{thread.public_id}").json()
        (found,) = post(client, "threads/search", {}).json()
        body = {"thread_id": thread.public_id, "if_exists": "do_nothing"}
        again = post(client, "threads", body).json()

        assert shown == found == again
        assert SECRET not in str(shown)
        assert shown["metadata"]["patient"] == MASK
        assert shown["metadata"]["graph_id"] == shown["graph_id"] == "echo"
        assert (shown["values"], shown["interrupts"], shown["config"]) == (None, {}, {})

    def test_what_is_masked_cannot_be_searched_for(self, client: Client) -> None:
        for wanted in ({"patient": SECRET}, {"graph_id": "echo"}):
            assert post(client, "threads/search", {"metadata": wanted}).json() == []
            assert post(client, "threads/count", {"metadata": wanted}).json() == 0

    def test_chosen_fields_are_masked_too(self, client: Client) -> None:
        asked = {"select": ["values", "metadata", "error"]}

        assert SECRET not in str(post(client, "threads/search", asked).json())

    def test_questions_and_runs_are_for_readers(self, client: Client, thread: Thread) -> None:
        assert client.get("/api/interrupts").json() == []
        assert client.get(f"/api/threads/{thread.public_id}/runs").status_code == 403


def test_whoever_may_read_sees_everything(
    client: Client, owner: Any, ada: Any, thread: Thread
) -> None:
    grants.grant(role="viewer", to=ada, on=thread, actor=owner, now=NOW)
    shown = client.get(f"/api/threads/{thread.public_id}").json()

    assert shown["metadata"]["patient"] == shown["values"]["patient"] == SECRET
    assert shown["interrupts"]["t"][0]["value"] == SECRET
    assert len(post(client, "threads/search", {"metadata": {"patient": SECRET}}).json()) == 1


@pytest.mark.parametrize("leaf", ["stream", "wait"])
def test_whoever_may_run_and_not_read_does_not_get_the_output(
    client: Client, owner: Any, ada: Any, thread: Thread, leaf: str
) -> None:
    root = get_user_model().objects.create_superuser("root")
    roles.create(name="trigger", permissions=["execute"], actor=root)
    grants.grant(role="trigger", to=ada, on=thread, actor=owner, now=NOW)
    body = {"assistant_id": "echo", "command": {"resume": "yes"}}
    refused = post(client, f"threads/{thread.public_id}/runs/{leaf}", body)

    assert refused.status_code == 403
    assert "permission to read" in refused.json()["detail"]
    assert thread.runs.count() == 1
    assert post(client, f"threads/{thread.public_id}/runs", body).status_code == 200


@pytest.mark.parametrize(("role", "is_told"), [("trigger", False), ("operator", True)])
@pytest.mark.parametrize("path", ["threads/{thread}/runs", "runs/batch", "interrupts/{key}/answer"])
def test_an_answer_s_run_shows_what_others_ordered_to_readers_only(
    client: Client, owner: Any, ada: Any, thread: Thread, path: str, role: str, is_told: bool
) -> None:
    root = get_user_model().objects.create_superuser("root")
    roles.create(name="trigger", permissions=["execute"], actor=root)
    grants.grant(role=role, to=ada, on=thread, actor=owner, now=NOW)
    key = Interrupt.objects.get(thread=thread).pk
    command = {"resume": "yes", "update": None, "goto": None}
    order = {"assistant_id": "echo", "command": command}
    bodies: dict[str, Any] = {
        "runs/batch": [{**order, "thread_id": thread.public_id}],
        "interrupts/{key}/answer": {"answer": "yes"},
    }

    answer = post(client, path.format(thread=thread.public_id, key=key), bodies.get(path, order))

    assert answer.status_code in {200, 202}
    assert (SECRET in str(answer.json())) == is_told


@pytest.mark.parametrize(("role", "status"), [("operator", 403), ("editor", 200)])
@pytest.mark.parametrize("command", [{"update": {"text": "mine"}}, {"goto": "publish"}])
def test_a_command_that_writes_takes_the_right_to_write(
    client: Client,
    owner: Any,
    ada: Any,
    thread: Thread,
    command: dict[str, Any],
    role: str,
    status: int,
) -> None:
    grants.grant(role=role, to=ada, on=thread, actor=owner, now=NOW)
    body = {"assistant_id": "echo", "command": command}

    alone = post(client, f"threads/{thread.public_id}/runs", body)
    batched = post(client, "runs/batch", [{**body, "thread_id": thread.public_id}])

    assert (alone.status_code, batched.status_code) == (status, status)
    assert thread.runs.count() == (1 if status == 403 else 3)


class TestCost:
    """100 threads of somebody else's, of which some are shared, directly and by a group."""

    @pytest.fixture
    def some(self, owner: Any, ada: Any) -> Callable[[int], None]:
        group = Group.objects.create(name="analysts")
        ada.groups.add(group)

        def share(count: int) -> None:
            made = [threads.create(actor=owner, now=NOW) for _ in range(count)]
            for to, mine in ((ada, made[::2]), (group, made[::5])):
                for thread in mine:
                    grants.grant(role="viewer", to=to, on=thread, actor=owner, now=NOW)

        return share

    @pytest.mark.parametrize(("count", "visible"), [(5, 3), (100, 60)])
    def test_a_page_costs_the_same_for_few_and_for_many(
        self,
        client: Client,
        some: Callable[[int], None],
        query_counts: Any,
        count: int,
        visible: int,
    ) -> None:
        some(count)
        with query_counts("api: list of shared threads"):
            answer = post(client, "threads/search", {"limit": 100})

        assert len(answer.json()) == visible

    @pytest.fixture
    def picky_planner(self) -> Iterator[None]:
        """Let PostgreSQL read whole tables only where nothing else is possible."""
        switch = {"postgresql": "SET LOCAL enable_seqscan = off", "sqlite": "SELECT 1"}
        with connection.cursor() as cursor:
            cursor.execute(switch[connection.vendor])
        return

    @pytest.mark.usefixtures("picky_planner")
    def test_permission_rows_are_found_by_index(
        self, ada: Any, some: Callable[[int], None]
    ) -> None:
        some(10)
        plan = Thread.objects.visible_to(ada, "view", telling="read").explain()

        assert len(re.findall("(?i)threads_user_permission", plan)) >= 2
        assert not re.search(r"SCAN V\d|Seq Scan on threads_(user|group)_permission", plan)

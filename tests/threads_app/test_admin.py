"""The console: what each person sees of threads, runs and graphs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse

from threadhub.kernel import clock
from threadhub.kernel.rbac import grants
from threads_app.models import Graph, Run, Thread
from threads_app.services import assistants, runs, threads
from threads_app.services.runs import RunOrder

pytestmark = pytest.mark.django_db

Counts = Callable[[str], AbstractContextManager[None]]


def person(username: str, **rights: bool) -> Any:
    return get_user_model().objects.create_user(username, is_active=True, **rights)


@pytest.fixture
def admin_user() -> Any:
    return person("admin", is_staff=True, is_superuser=True)


@pytest.fixture
def operator() -> Any:
    return person("operator")


@pytest.fixture
def other() -> Any:
    return person("other")


@pytest.fixture
def stranger() -> Any:
    return person("stranger")


@pytest.fixture
def graph() -> Graph:
    return graph_named("echo")


def graph_named(name: str) -> Graph:
    return Graph.objects.create(
        name=name,
        project="examples",
        target="./echo.py:graph",
        status=Graph.Status.LOADED,
        loaded_at=clock.now(),
    )


@pytest.fixture
def mine(operator: Any, graph: Graph) -> Thread:
    return thread_of(operator, graph, "Mine")


@pytest.fixture
def theirs(other: Any, graph: Graph) -> Thread:
    return thread_of(other, graph, "Theirs")


def thread_of(owner: Any, graph: Graph, title: str) -> Thread:
    thread = threads.create(
        actor=owner,
        now=clock.now(),
        assistant=assistants.ensure_default(graph=graph, now=clock.now()),
        title=title,
    )
    order = RunOrder(context={"question": title, "api_key": "sk-secret-of-this-order"})
    runs.start(
        thread=thread,
        assistant=assistants.ensure_default(graph=graph, now=clock.now()),
        actor=owner,
        order=order,
        now=clock.now(),
    )
    return thread


def signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page(client: Client, name: str, *args: Any, **query: Any) -> str:
    response = client.get(reverse(f"admin:{name}", args=args), query)
    assert response.status_code == 200, response
    return response.content.decode()


def address_of(run: Run) -> str:
    return reverse("admin:threads_app_run_change", args=[run.pk])


def run_of(thread: Thread) -> Run:
    return Run.objects.filter(thread=thread).latest("id")


class TestLists:
    def test_a_superuser_sees_everything(
        self, admin_user: Any, mine: Thread, theirs: Thread
    ) -> None:
        client = signed_in(admin_user)
        found, ran = (
            page(client, "threads_app_thread_changelist"),
            page(client, "threads_app_run_changelist"),
        )

        assert "Mine" in found
        assert "Theirs" in found
        assert address_of(run_of(mine)) in ran
        assert address_of(run_of(theirs)) in ran

    def test_an_operator_sees_what_is_theirs(
        self, operator: Any, mine: Thread, theirs: Thread
    ) -> None:
        client = signed_in(operator)
        found, ran = (
            page(client, "threads_app_thread_changelist"),
            page(client, "threads_app_run_changelist"),
        )

        assert "Mine" in found
        assert "Theirs" not in found
        assert address_of(run_of(mine)) in ran
        assert address_of(run_of(theirs)) not in ran

    @pytest.mark.parametrize("name", ["thread", "run"])
    def test_a_stranger_sees_nothing(
        self, stranger: Any, mine: Thread, theirs: Thread, name: str
    ) -> None:
        found = page(signed_in(stranger), f"threads_app_{name}_changelist")

        assert "Mine" not in found
        assert "Theirs" not in found

    def test_a_search_finds_only_what_is_visible(
        self, operator: Any, mine: Thread, theirs: Thread
    ) -> None:
        client = signed_in(operator)

        run = run_of(mine)
        assert "Mine" in page(client, "threads_app_thread_changelist", q=mine.public_id)
        assert ">Theirs<" not in page(client, "threads_app_thread_changelist", q=theirs.public_id)
        assert address_of(run) in page(client, "threads_app_run_changelist", q=str(run))

    def test_filters_name_nobody_who_owns_nothing_visible(
        self, operator: Any, mine: Thread, theirs: Thread
    ) -> None:
        assert "other" not in page(signed_in(operator), "threads_app_thread_changelist")

    @pytest.mark.parametrize("name", ["thread", "run", "graph"])
    def test_who_has_not_signed_in_is_led_to_do_so(self, operator: Any, name: str) -> None:
        address = reverse(f"admin:threads_app_{name}_changelist")
        deactivated = signed_in(operator)
        operator.is_active = False
        operator.save()

        for client in (Client(), deactivated):
            response = client.get(address)
            assert response.status_code == 302
            assert response.headers["Location"].startswith("/console/login/")


class TestPages:
    def test_the_owner_sees_the_run(self, operator: Any, mine: Thread) -> None:
        run = run_of(mine)

        shown = page(signed_in(operator), "threads_app_run_change", run.pk)

        assert str(run.public_id) in shown
        assert "Mine" in shown
        assert reverse("admin:threads_app_thread_live", args=[mine.pk]) in shown

    def test_the_pages_of_others_do_not_exist(self, operator: Any, theirs: Thread) -> None:
        assert signed_in(operator).get(address_of(run_of(theirs))).status_code == 404

    def test_nothing_can_be_added_changed_or_deleted(self, admin_user: Any, mine: Thread) -> None:
        client = signed_in(admin_user)
        for name, key in (("run", run_of(mine).pk), ("graph", mine.graph_id)):
            change = reverse(f"admin:threads_app_{name}_change", args=[key])
            assert client.post(change, {"title": "Other", "name": "other"}).status_code == 403
        for name in ("run", "graph"):
            for leaf in ("add/", "1/delete/", "1/history/"):
                place = reverse(f"admin:threads_app_{name}_changelist")
                assert client.post(f"{place}{leaf}", {"post": "yes"}).status_code == 404

        assert Thread.objects.filter(pk=mine.pk, title="Mine").exists()

    def test_secrets_are_masked_wherever_json_is_shown(self, operator: Any, mine: Thread) -> None:
        text = page(signed_in(operator), "threads_app_run_change", run_of(mine).pk)

        assert "question" in text
        assert "sk-secret-of-this-order" not in text


class TestGraphs:
    def test_everyone_with_the_console_sees_what_can_run(self, stranger: Any, graph: Graph) -> None:
        client = signed_in(stranger)

        assert "echo" in page(client, "threads_app_graph_changelist")
        assert "./echo.py:graph" in page(client, "threads_app_graph_change", graph.pk)

    def test_changed_files_are_told(
        self, stranger: Any, settings: Any, tmp_path: Any, graph: Graph
    ) -> None:
        project = tmp_path / "echoes"
        project.mkdir()
        (project / "langgraph.json").write_text('{"graphs": {"echo": "./echo.py:graph"}}')
        (project / "echo.py").write_text("graph = None")
        settings.PROJECTS = [project / "langgraph.json"]
        Graph.objects.update_or_create(
            name="echo", defaults={"project": "echoes", "revision": "of another day"}
        )
        client = signed_in(stranger)

        assert "restart to use it" in page(client, "threads_app_graph_changelist")
        assert "restart to use it" in page(client, "threads_app_graph_change", graph.pk)


class TestCancel:
    def cancel(self, client: Client, *chosen: Run) -> str:
        answered = client.post(
            reverse("admin:threads_app_run_changelist"),
            {"action": "cancel", "_selected_action": [run.pk for run in chosen]},
            follow=True,
        )
        return answered.content.decode()

    def test_it_stops_the_selected_runs_and_counts_them(self, operator: Any, mine: Thread) -> None:
        run = run_of(mine)
        client = signed_in(operator)

        assert "1 run is asked to stop." in self.cancel(client, run)
        run.refresh_from_db()
        assert run.status == Run.Status.CANCELLED
        assert "1 run has ended already." in self.cancel(client, run)

    def test_it_leaves_the_runs_of_others_alone(
        self, operator: Any, mine: Thread, theirs: Thread
    ) -> None:
        foreign = run_of(theirs)

        self.cancel(signed_in(operator), foreign)

        foreign.refresh_from_db()
        assert foreign.status == Run.Status.PENDING

    def test_it_leaves_alone_what_one_may_only_read(self, mine: Thread, stranger: Any) -> None:
        run = run_of(mine)
        grants.grant(role="viewer", to=stranger, on=mine, actor=mine.owner, now=clock.now())

        self.cancel(signed_in(stranger), run)

        run.refresh_from_db()
        assert run.status == Run.Status.PENDING


class TestQueries:
    @pytest.fixture
    def many(self, operator: Any) -> list[Thread]:
        graphs = [graph_named(f"graph {number}") for number in range(12)]
        return [thread_of(operator, graph, f"Thread of {graph}") for graph in graphs]

    @pytest.mark.parametrize("name", ["thread", "run", "graph"])
    def test_a_list_costs_the_same_for_one_row_and_for_many(
        self, operator: Any, mine: Thread, request: Any, name: str, query_counts: Counts
    ) -> None:
        client, address = signed_in(operator), f"threads_app_{name}_changelist"
        with query_counts(f"admin {name} list"):
            page(client, address)
        request.getfixturevalue("many")

        with query_counts(f"admin {name} list"):
            page(client, address)

"""The list of threads: columns, filters, search, and what is done to many."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse

from services import asking
from sessions_app.models import SessionThreadAssociation
from sessions_app.services import sessions
from threadhub.kernel import clock
from threadhub.kernel.acts import act
from threadhub.kernel.operations.models import Operation
from threads_app.models import Graph, Run, Thread

pytestmark = pytest.mark.django_db

Counts = Callable[[str], AbstractContextManager[None]]


@pytest.fixture
def ana() -> Any:
    return asking.person("ana")


@pytest.fixture
def graph() -> Graph:
    return asking.graph()


def show(user: Any, **query: Any) -> str:
    response = asking.signed_in(user).get(reverse("admin:threads_app_thread_changelist"), query)
    assert response.status_code == 200, response
    return response.content.decode()


def send(user: Any, action: str, *threads: Thread, **more: str) -> Any:
    keys = [str(thread.pk) for thread in threads]
    data = {"action": action, "_selected_action": keys, **more}
    address = reverse("admin:threads_app_thread_changelist")
    return asking.signed_in(user).post(address, data, follow=True)


class TestTheReason:
    def test_is_the_question_or_the_error(self, ana: Any, graph: Graph) -> None:
        asking.question(asking.thread(ana, graph, status="interrupted"), value="Publish it?")
        asking.thread(ana, graph, status="error", error="no such page")
        page = show(ana)

        assert "Publish it?" in page
        assert "no such page" in page

    def test_is_told_to_readers_only(self, ana: Any, graph: Graph) -> None:
        made = asking.thread(ana, graph, "Seen", status="error", error="no such page")
        auditor = asking.person("auditor")
        asking.share(made, "auditor", to=auditor)
        page = show(auditor)

        assert "Seen" in page
        assert "no such page" not in page


def test_the_session_is_shown_to_those_who_may_see_it(ana: Any, graph: Graph) -> None:
    made, now = asking.thread(ana, graph), clock.now()
    with act("session.create"):
        session = sessions.insert(actor=ana, now=now, title="Customer 3")
    SessionThreadAssociation.objects.create(
        session=session, thread=made, thread_name="a", created_at=now, updated_at=now
    )
    viewer = asking.person("viewer")
    asking.share(made, "viewer", to=viewer)

    assert "Customer 3" in show(ana)
    assert "Customer 3" not in show(viewer)


class TestFilters:
    @pytest.fixture(autouse=True)
    def _threads(self, ana: Any, graph: Graph) -> None:
        old = clock.now() - timedelta(days=3)
        asking.thread(ana, graph, "Alpha", status="error", tags=["urgent"])
        asking.thread(ana, asking.graph("other"), "Beta", updated_at=old)
        made = asking.thread(asking.person("ben"), graph, "Gamma")
        asking.share(made, "viewer", to=ana)

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({}, {"Alpha", "Beta", "Gamma"}),
            ({"status__exact": "error"}, {"Alpha"}),
            ({"graph": "other"}, {"Beta"}),
            ({"owner": "ben"}, {"Gamma"}),
            ({"mine": "yes"}, {"Alpha", "Beta"}),
            ({"active": "24h"}, {"Alpha", "Gamma"}),
            ({"active": "nonsense"}, {"Alpha", "Beta", "Gamma"}),
            ({"tag": "urgent"}, {"Alpha"}),
            ({"q": "amm"}, {"Gamma"}),
            ({"q": "urgent"}, {"Alpha"}),
            ({"q": "al urgent"}, {"Alpha"}),
            ({"q": "nothing"}, set()),
        ],
    )
    def test_narrow_the_list(self, ana: Any, query: dict[str, str], found: set[str]) -> None:
        page = show(ana, **query)

        assert {name for name in ("Alpha", "Beta", "Gamma") if f"{name} <span" in page} == found

    def test_find_a_thread_by_the_beginning_of_its_id(self, ana: Any) -> None:
        wanted = Thread.objects.visible_to(ana, "view").get(title="Beta").public_id

        assert "Beta <span" in show(ana, q=wanted[:30])

    def test_offer_no_owner_whose_threads_are_hidden(self, ana: Any, graph: Graph) -> None:
        asking.thread(asking.person("hidden-person"), graph)

        assert "hidden-person" not in show(ana)

    def test_ask_about_no_other_column(self, ana: Any) -> None:
        client = asking.signed_in(ana)
        address = reverse("admin:threads_app_thread_changelist")

        assert client.get(address, {"error__startswith": "n"}).status_code in {302, 400}


@pytest.mark.both_databases
def test_a_tag_is_found_on_every_database(ana: Any, graph: Graph) -> None:
    asking.thread(ana, graph, "Tagged", tags=["a b", '"quoted"'])

    assert "Tagged <span" in show(ana, tag="a b")
    assert "Tagged <span" in show(ana, tag='"quoted"')
    assert "Tagged <span" not in show(ana, tag="a")


class TestManyAtOnce:
    def test_runs_are_cancelled_and_the_rest_is_told(self, ana: Any, graph: Graph) -> None:
        busy, still = asking.thread(ana, graph, "Busy"), asking.thread(ana, graph, "Still")
        asking.run(busy, ana)
        foreign = asking.thread(asking.person("ben"), graph, "Foreign")
        asking.run(foreign, foreign.owner)
        asking.share(foreign, "viewer", to=ana)
        page = send(ana, "cancel_runs", busy, still, foreign).content.decode()

        assert "1 run is asked to stop." in page
        assert "On 1 thread nothing runs." in page
        assert "On 1 thread you may not cancel runs." in page
        assert set(Run.objects.values_list("status", flat=True)) == {"cancelled", "pending"}

    def test_deleting_is_previewed(self, ana: Any, graph: Graph) -> None:
        mine, foreign = (
            asking.thread(ana, graph, "Mine"),
            asking.thread(asking.person("ben"), graph),
        )
        asking.run(mine, ana)
        asking.share(foreign, "viewer", to=ana)
        page = send(ana, "delete_threads", mine, foreign).content.decode()

        assert "Delete 1 thread" in page
        assert "1 of them runs now" in page
        assert "1 selected thread stays" in page
        assert not Operation.objects.exists()

    def test_deleting_is_an_operation(self, ana: Any, graph: Graph) -> None:
        made = [asking.thread(ana, graph, f"Thread {n}") for n in range(2)]
        sent = {"confirmed": "yes", "key": "k", "reason": "OPS-41"}
        response = send(ana, "delete_threads", *made, **sent)
        send(ana, "delete_threads", *made, **sent)
        operation = Operation.objects.get()

        assert "2 threads are being deleted." in response.content.decode()
        assert (operation.kind, operation.total, operation.reason) == (
            "threads.delete",
            2,
            "OPS-41",
        )

    def test_deleting_what_one_may_not_is_refused(self, ana: Any, graph: Graph) -> None:
        foreign = asking.thread(asking.person("ben"), graph)
        asking.share(foreign, "viewer", to=ana)
        page = send(ana, "delete_threads", foreign, confirmed="yes").content.decode()

        assert "None of the selected threads may be deleted by you." in page


def test_costs_the_same_for_one_thread_and_for_many(
    ana: Any, graph: Graph, query_counts: Counts
) -> None:
    client, address = asking.signed_in(ana), reverse("admin:threads_app_thread_changelist")
    asking.question(asking.thread(ana, graph, status="interrupted"))
    with query_counts("console: threads list"):
        client.get(address)
    for _ in range(4):
        asking.question(asking.thread(ana, graph, status="interrupted"))
    with query_counts("console: threads list"):
        client.get(address)

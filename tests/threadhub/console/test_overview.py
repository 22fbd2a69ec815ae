"""The overview: what needs a person first, then true counts, each for who may see it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse

from services import asking
from sessions_app.models import Plan
from threadhub.console import charts, overview
from threadhub.kernel import clock
from threadhub.ops import demo, standing
from threads_app.models import Graph, Run, Thread

pytestmark = pytest.mark.django_db

Counts = Callable[[str], AbstractContextManager[None]]
HOME = "/console/"


@pytest.fixture
def ana() -> Any:
    return asking.person("ana")


@pytest.fixture
def graph() -> Graph:
    return asking.graph()


@pytest.fixture
def thread(ana: Any, graph: Graph) -> Thread:
    return asking.thread(ana, graph, "Report", status="interrupted")


def show(user: Any, **query: Any) -> str:
    response = asking.signed_in(user).get(HOME, query)
    assert response.status_code == 200, response
    return response.content.decode()


def ended(on: Thread, status: str, *, seconds: float = 2, hours_ago: float = 0) -> Run:
    """Return a run that ended some hours ago."""
    found, begun = asking.run(on, on.owner), clock.now() - timedelta(hours=hours_ago)
    found.status, found.created_at, found.started_at = status, begun, begun
    found.finished_at = begun + timedelta(seconds=seconds)
    found.save(update_fields=["status", "created_at", "started_at", "finished_at"])
    return found


def stat(page: str, label: str) -> str:
    """Return the number under a label."""
    after = page.split(f"</svg>{label}</span>", 1)[1]
    return after.split('stat__value">', 1)[1].split("<", 1)[0]


class TestNeedsYou:
    def test_leads_to_the_answer_with_one_click(self, ana: Any, thread: Thread) -> None:
        question = asking.question(thread, value="Publish it?", schema=asking.DECISION)
        page = show(ana)
        address = reverse("admin:threads_app_thread_question", args=[thread.pk, question.pk])
        form = asking.signed_in(ana).get(address).content.decode()

        assert "Publish it?" in page
        assert f'href="{address}' in page
        assert f'name="q{question.pk}.value.action" value="approve"' in form

    def test_shows_an_error_to_readers_only(self, ana: Any, graph: Graph) -> None:
        broken = asking.thread(ana, graph, status="error", error="no such page")
        auditor = asking.person("auditor")
        asking.share(broken, "auditor", to=auditor)

        assert "no such page" in show(ana)
        assert "no such page" not in show(auditor)
        assert "A run on this thread failed" in show(auditor)

    def test_names_a_run_that_takes_much_longer_than_others(self, ana: Any, thread: Thread) -> None:
        for _ in range(overview.KNOWN):
            ended(thread, "success", seconds=3)
        slow = asking.run(thread, ana)
        slow.status, slow.started_at = "running", clock.now() - timedelta(minutes=40)
        slow.fence, slow.lease_until = 1, clock.now() + timedelta(minutes=1)
        slow.save(update_fields=["status", "started_at", "fence", "lease_until"])

        assert "echo runs much longer than usual" in show(ana)

    def test_is_absent_when_nothing_does(self, ana: Any, graph: Graph) -> None:
        asking.thread(ana, graph)

        assert "Needs you</h2>" not in show(ana)


class TestCounts:
    def test_are_of_what_the_person_sees(self, ana: Any, thread: Thread, graph: Graph) -> None:
        asking.thread(ana, graph, status="idle")
        other = asking.person("other")
        asking.thread(other, graph, status="interrupted")
        page = show(ana)

        assert (stat(page, "Waiting"), stat(page, "Idle"), stat(page, "Running")) == ("1", "1", "0")
        assert stat(show(other), "Waiting") == "1"

    def test_stop_at_a_thousand(
        self, ana: Any, graph: Graph, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(overview, "COUNTED", 2)
        for _ in range(3):
            asking.thread(ana, graph)

        assert stat(show(ana), "Idle") == "2+"

    def test_obey_the_window(self, ana: Any, thread: Thread) -> None:
        ended(thread, "success")
        ended(thread, "error", hours_ago=2)
        ended(thread, "success", hours_ago=30)

        assert "1 finished, 0 failed" in show(ana, window="1h")
        assert "1 finished, 1 failed" in show(ana)
        assert "2 finished, 1 failed" in show(ana, window="7d")
        assert "2 finished, 1 failed" in show(ana, window="30d")

    def test_say_when_only_the_latest_are_counted(
        self, ana: Any, thread: Thread, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("threads_app.selectors.activity.COUNTED", 2)
        for _ in range(3):
            ended(thread, "success")
        page = show(ana)

        assert "Only the latest 2 runs are counted." in page
        assert stat(page, "Done") == "over 2"


def test_graphs_stand_with_the_slowest_first(ana: Any, thread: Thread) -> None:
    ended(thread, "success", seconds=1)
    slow = asking.thread(ana, asking.graph("slow"))
    ended(slow, "error", seconds=90)
    table = show(ana).split("Graphs by run time", 1)[1]

    assert table.index(">slow<") < table.index(">echo<")
    assert "100.0 %" in table
    assert "0.0 %" not in table.replace("100.0 %", "")


def test_idle_workers_are_known_to_be_up_where_they_are_in_this_process(settings: Any) -> None:
    def workers() -> standing.Fact:
        return standing.facts(now=clock.now())[1]

    assert workers().state == standing.UP
    settings.CELERY_BROKER_URL = "redis://elsewhere"
    assert workers().state == standing.UNKNOWN


@pytest.mark.parametrize(("rights", "is_shown"), [({"is_staff": True}, True), ({}, False)])
def test_system_and_acts_are_shown_to_those_who_may(
    ana: Any, thread: Thread, rights: dict[str, bool], *, is_shown: bool
) -> None:
    page = show(asking.person("somebody", **rights))

    assert ('id="system"' in page) is is_shown


def test_acts_of_people_are_shown_and_those_of_workers_not(ana: Any, thread: Thread) -> None:
    question = asking.question(thread)
    address = reverse("admin:threads_app_thread_question", args=[thread.pk, question.pk])
    asking.signed_in(ana).post(address, {"act": "claim"})
    page = show(asking.person("root", is_superuser=True, is_staff=True))

    assert "interrupt.claim" in page
    assert "thread.create" not in page


class TestFirstSteps:
    def test_offer_the_demo_where_it_can_run(self, ana: Any) -> None:
        for name in demo.GRAPHS:
            asking.graph(name)
        page = show(ana)

        assert "Start the demo session" in page
        assert "disabled" not in page.split("Start the demo session")[0].rsplit("<button", 1)[1]

    def test_say_why_it_cannot_run(self, ana: Any) -> None:
        page = show(ana)
        response = asking.signed_in(ana).post(reverse("admin:start_demo"), follow=True)

        assert 'disabled aria-describedby="no-demo"' in page
        assert "The demo graphs are not installed" in response.content.decode()
        assert not Plan.objects.exists()

    def test_start_the_demo_by_one_click(self, ana: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in demo.GRAPHS:
            asking.graph(name)
        started: list[Any] = []

        def start(*, actor: Any) -> Plan:
            started.append(actor)
            return Plan(session_id=7)

        # Making the session asks for the graphs themselves, which this process has not loaded.
        monkeypatch.setattr(demo, "start", start)
        response = asking.signed_in(ana).post(reverse("admin:start_demo"))

        assert (response.status_code, started) == (303, [ana])
        assert response["Location"] == reverse("admin:sessions_app_session_change", args=[7])

    def test_are_not_a_get(self, ana: Any) -> None:
        assert asking.signed_in(ana).get(reverse("admin:start_demo")).status_code == 405

    def test_are_gone_once_there_is_a_thread(self, ana: Any, thread: Thread) -> None:
        assert "Start the demo session" not in show(ana)


@pytest.mark.parametrize("most", [0, 1, 7, 66, 1000, 20_000])
def test_the_lines_of_a_chart_are_round_and_reach_about_as_high_as_its_bars(most: int) -> None:
    now = clock.now()
    chart = charts.bars([charts.Period(now, most, 0)], form="%H:%M")
    step = chart.lines[0][1]

    assert str(step).rstrip("0") in {"1", "2", "5"}
    assert step * 3 >= most * 0.8
    assert all(bar.well_height <= charts.BASE - charts.TOP for bar in chart.bars)


def test_costs_the_same_for_little_and_for_much(
    ana: Any, thread: Thread, query_counts: Counts
) -> None:
    client = asking.signed_in(asking.person("root", is_superuser=True, is_staff=True))
    asking.question(thread)
    ended(thread, "success")
    with query_counts("console: overview"):
        client.get(HOME)
    for number in range(3):
        more = asking.thread(ana, asking.graph(f"graph{number}"), status="interrupted")
        asking.question(more)
        ended(more, "error")
    with query_counts("console: overview"):
        client.get(HOME)

"""The tab Live, and the head that all tabs share."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from services.flowing import (
    RUNNING,
    checkpoint,
    finished,
    page_of,
    started,
    wrote,
)
from threads_app.models import Graph, Interrupt, Run, Thread

pytestmark = pytest.mark.django_db

Begin = Callable[..., Run]
Happen = Callable[[Run, Any], None]
OpenPage = Callable[..., str]
Counts = Callable[[str], AbstractContextManager[None]]
SECRET = "sk-this-is-a-secret-key"


@pytest.fixture
def under_way(begin: Begin, happen: Happen) -> Run:
    """A run that has planned and writes."""
    run = begin("running")
    plan = [started("t1", "plan"), wrote("plan", {"topic": "tides", "api_key": SECRET})]
    happen(run, [RUNNING, checkpoint(0), *plan, finished("t1", "plan"), checkpoint(1)])
    happen(run, [started("t2", "write"), started("t3", "inner", "write:t2")])
    return run


class TestTheGraph:
    def test_shows_each_node_with_its_state(
        self, owner: Any, thread: Thread, under_way: Run, open_page: OpenPage
    ) -> None:
        text = open_page(owner, thread, "live")

        assert 'class="gn is-success" href="#step-plan"' in text
        assert 'class="gn is-running" href="#step-write"' in text
        assert "ge--active" in text

    def test_shows_subgraphs_in_place_of_their_node_when_asked(
        self, owner: Any, thread: Thread, under_way: Run, open_page: OpenPage
    ) -> None:
        text = open_page(owner, thread, "live", xray="1")

        assert 'data-node="write:inner"' in text
        assert 'data-node="write"' not in text

    def test_says_so_where_the_nodes_are_not_known(
        self, owner: Any, thread: Thread, graph: Graph, under_way: Run, open_page: OpenPage
    ) -> None:
        graph.description = {}
        graph.save()

        assert "The nodes of this graph are not known" in open_page(owner, thread, "live")


class TestWhoSeesWhat:
    def test_a_reader_sees_steps_and_masked_output(
        self, reader: Any, thread: Thread, under_way: Run, open_page: OpenPage
    ) -> None:
        text = open_page(reader, thread, "live")

        assert "tides" in text
        assert SECRET not in text
        assert 'role="log"' in text

    def test_a_viewer_sees_the_graph_and_is_told_why_no_more(
        self, viewer: Any, thread: Thread, under_way: Run, open_page: OpenPage
    ) -> None:
        text = open_page(viewer, thread, "live")

        assert 'class="gn is-running"' in text
        assert "You see what runs, but not what it puts out" in text
        assert "tides" not in text

    def test_a_stranger_finds_nothing(self, stranger: Any, thread: Thread, under_way: Run) -> None:
        assert page_of(stranger, thread, "live").status_code == 404

    def test_it_costs_as_many_queries_as_before(
        self, owner: Any, thread: Thread, under_way: Run, query_counts: Counts
    ) -> None:
        with query_counts("console: thread live"):
            assert page_of(owner, thread, "live").status_code == 200


class TestStates:
    def test_nothing_ran_yet(self, owner: Any, thread: Thread, open_page: OpenPage) -> None:
        text = open_page(owner, thread, "live")

        assert "Nothing has run yet" in text
        assert "data-graph" not in text

    def test_a_failure_is_said_above_with_a_way_to_its_step(
        self, owner: Any, viewer: Any, thread: Thread, begin: Begin, open_page: OpenPage
    ) -> None:
        begin("error", error_class="LookupError", error_message=f"no {SECRET} there")

        text, seen = open_page(owner, thread, "live"), open_page(viewer, thread, "live")

        assert "<strong>LookupError</strong> no" in text
        assert SECRET not in text
        assert "only=error" in text
        assert "LookupError" in seen and "there" not in seen.split("LookupError")[1][:60]

    def test_an_answer_goes_on_with_the_picture_of_the_run_that_asked(
        self,
        owner: Any,
        thread: Thread,
        begin: Begin,
        happen: Happen,
        open_page: OpenPage,
    ) -> None:
        first = begin("interrupted")
        happen(first, [RUNNING, started("t1", "plan"), finished("t1", "plan")])
        happen(first, [started("t2", "write"), finished("t2", "write", interrupts=["a" * 32])])
        happen(first, [("run.interrupted", {})])
        second = begin("running", input=None)
        happen(second, [RUNNING, started("t2", "write")])

        text = open_page(owner, thread, "live")

        assert 'class="gn is-success" href="#step-plan"' in text
        assert 'class="gn is-running" href="#step-write"' in text

    def test_a_waiting_node_says_since_when(
        self,
        owner: Any,
        thread: Thread,
        begin: Begin,
        happen: Happen,
        ask: Callable[[Run], Interrupt],
        open_page: OpenPage,
    ) -> None:
        run = begin("interrupted")
        happen(run, [RUNNING, started("t2", "write"), finished("t2", "write", interrupts=["q"])])
        ask(run)

        text = open_page(owner, thread, "live")

        assert 'class="gn is-waiting" href="#step-write"' in text
        assert "Run is off until the question below is answered." in text


class TestTheHead:
    def test_says_what_the_runs_took_and_stored(
        self, owner: Any, thread: Thread, begin: Begin, open_page: OpenPage
    ) -> None:
        begin("success", usage={"total_tokens": 40})
        begin("success", usage={"total_tokens": 2})

        text = open_page(owner, thread, "live")

        assert "42 tokens" in text
        assert "4 s run time" in text

    @pytest.mark.parametrize(
        ("status", "resumable", "cancellable"),
        [
            ("running", False, True),
            ("success", False, False),
            ("error", True, False),
            ("cancelled", True, False),
        ],
    )
    def test_offers_what_can_be_done_now(
        self,
        owner: Any,
        thread: Thread,
        begin: Begin,
        open_page: OpenPage,
        status: str,
        resumable: bool,
        cancellable: bool,
    ) -> None:
        begin(status)

        text = open_page(owner, thread, "live")

        assert ("Resume</button>" in text) == resumable
        assert ('data-dialog="cancel"' in text) == cancellable

    def test_says_why_the_rest_is_off(
        self, reader: Any, thread: Thread, begin: Begin, open_page: OpenPage
    ) -> None:
        begin("running")

        text = open_page(reader, thread, "live")

        assert "You may see this thread, but not run it." in text
        assert "Rename…" not in text and "Delete thread…" not in text

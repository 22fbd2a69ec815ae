"""The tabs Timeline and Runs."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from services.flowing import RUNNING, checkpoint, finished, page_of, started, wrote
from threads_app.models import Run, Thread

pytestmark = pytest.mark.django_db

Begin = Callable[..., Run]
Happen = Callable[[Run, Any], None]
OpenPage = Callable[..., str]
Counts = Callable[[str], AbstractContextManager[None]]
STEP = re.compile(r'<tr id="step-(\d+)"')


def looping(times: int) -> list[tuple[str, Any]]:
    """A node that ran so often, one event in five a checkpoint."""
    return [
        event
        for number in range(times)
        for event in (
            started(f"t{number}", "plan"),
            ("custom", {"ns": "", "data": {"text": f"turn {number}"}}),
            wrote("plan", {"turn": number}),
            finished(f"t{number}", "plan"),
            checkpoint(number),
        )
    ]


@pytest.fixture
def run(begin: Begin, happen: Happen) -> Run:
    """A run whose second try of a step in a subgraph succeeded."""
    run = begin("success")
    happen(run, [RUNNING, checkpoint(0), started("t1", "plan")])
    happen(run, [wrote("plan", {"token": "sk-secret-of-the-plan", "topic": "tides"})])
    happen(run, [finished("t1", "plan"), checkpoint(1), started("t2", "write")])
    happen(run, [started("t3", "inner", "write:t2")])
    happen(run, [finished("t3", "inner", "write:t2", error="ValueError")])
    happen(run, [started("t3", "inner", "write:t2"), finished("t3", "inner", "write:t2")])
    happen(run, [finished("t2", "write"), checkpoint(2), ("run.success", {"status": "success"})])
    return run


class TestZooms:
    def test_compact_has_a_row_for_each_node(
        self, owner: Any, thread: Thread, run: Run, open_page: OpenPage
    ) -> None:
        text = open_page(owner, thread, "timeline")

        rows = re.findall(r'<tr id="step-([\w:]+)"', text)
        assert rows == ["plan", "write", "write:inner"]

    def test_waterfall_has_a_row_for_each_execution(
        self, owner: Any, thread: Thread, run: Run, open_page: OpenPage
    ) -> None:
        text = open_page(owner, thread, "timeline", zoom="waterfall")

        assert len(STEP.findall(text)) == 4
        assert "attempt 2" in text
        assert "wf__step--1" in text

    def test_events_are_listed_with_their_payload_masked(
        self, owner: Any, thread: Thread, run: Run, open_page: OpenPage
    ) -> None:
        text = open_page(owner, thread, "timeline", zoom="events")

        assert "task.started" in text and "write › inner" in text
        assert "tides" in text
        assert "sk-secret" not in text

    @pytest.mark.parametrize(("zoom", "count"), [("compact", 1), ("waterfall", 1)])
    def test_errors_only_leaves_out_what_went_well(
        self, owner: Any, thread: Thread, run: Run, open_page: OpenPage, zoom: str, count: int
    ) -> None:
        text = open_page(owner, thread, "timeline", zoom=zoom, only="error")

        assert text.count('<tr id="step-') == count
        assert 'is-error"' in text

    def test_errors_only_leaves_the_failed_task_among_events(
        self, owner: Any, thread: Thread, run: Run, open_page: OpenPage
    ) -> None:
        text = open_page(owner, thread, "timeline", zoom="events", only="error")

        assert text.count('class="mono log__err"') == 1
        assert "task.started" not in text

    def test_repeats_are_folded_unless_that_is_switched_off(
        self, owner: Any, thread: Thread, begin: Begin, happen: Happen, open_page: OpenPage
    ) -> None:
        run = begin("success")
        happen(run, [RUNNING, *looping(5)])

        folded = open_page(owner, thread, "timeline", zoom="waterfall")
        apart = open_page(owner, thread, "timeline", zoom="waterfall", fold="0")

        assert len(STEP.findall(folded)) == 1 and "×5" in folded
        assert len(STEP.findall(apart)) == 5

    def test_what_the_address_says_wrongly_is_left_out(
        self, owner: Any, thread: Thread, run: Run, open_page: OpenPage
    ) -> None:
        text = open_page(owner, thread, "timeline", zoom="<b>", after="x", span="9" * 30)

        assert 'id="step-plan"' in text


class TestTheStep:
    def test_shows_output_masked_and_its_checkpoints(
        self, owner: Any, thread: Thread, run: Run, open_page: OpenPage
    ) -> None:
        rows = open_page(owner, thread, "timeline", zoom="waterfall")
        text = open_page(owner, thread, "timeline", span=STEP.findall(rows)[0])

        assert "tides" in text
        assert "sk-secret" not in text
        assert "?checkpoint=c0" in text and "?checkpoint=c1" in text

    def test_shows_the_error_of_the_one_that_failed(
        self, owner: Any, thread: Thread, run: Run, open_page: OpenPage
    ) -> None:
        rows = open_page(owner, thread, "timeline", zoom="waterfall", only="error")
        text = open_page(owner, thread, "timeline", span=STEP.findall(rows)[0])

        assert "<strong>ValueError</strong>" in text
        assert "write › inner" in text


class TestLongRuns:
    def test_the_pages_of_ten_thousand_events_hold_a_window_of_them(
        self, owner: Any, thread: Thread, begin: Begin, happen: Happen, open_page: OpenPage
    ) -> None:
        happen(begin("success"), [RUNNING, *looping(2000)])

        for zoom in ("compact", "waterfall", "events"):
            text = open_page(owner, thread, "timeline", zoom=zoom, fold="0")
            assert text.count("<tr") < 220
            assert text.count("<rect") < 400
        assert ">2000<" in text
        assert open_page(owner, thread, "live").count('class="log__line"') <= 300

    def test_each_page_leads_to_the_next_until_all_were_seen(
        self, owner: Any, thread: Thread, begin: Begin, happen: Happen, open_page: OpenPage
    ) -> None:
        happen(begin("success"), [RUNNING, *looping(230)])
        seen: list[str] = []
        after: str | None = "0"

        while after:
            query = {"zoom": "waterfall", "fold": "0", "after": after}
            text = open_page(owner, thread, "timeline", **query)
            seen += STEP.findall(text)
            more = re.search(r'hx-get="[^"]*after=(\d+)', text)
            after = more[1] if more else None

        assert len(seen) == len(set(seen)) == 230

    @pytest.mark.parametrize("zoom", ["compact", "waterfall", "events"])
    def test_cost_as_many_queries_as_short_ones(
        self,
        owner: Any,
        thread: Thread,
        begin: Begin,
        happen: Happen,
        query_counts: Counts,
        zoom: str,
    ) -> None:
        happen(begin("success"), [RUNNING, *looping(250)])

        with query_counts(f"console: thread timeline, {zoom}"):
            assert page_of(owner, thread, "timeline", zoom=zoom).status_code == 200


class TestWhoMaySeeIt:
    def test_readers_only(
        self, reader: Any, viewer: Any, stranger: Any, thread: Thread, run: Run
    ) -> None:
        found = [page_of(who, thread, "timeline").status_code for who in (reader, viewer, stranger)]

        assert found == [200, 403, 404]

    def test_a_run_of_another_thread_is_none_of_this_one(
        self, owner: Any, thread: Thread, run: Run
    ) -> None:
        assert page_of(owner, thread, "timeline", run=run.pk + 1000).status_code == 404


class TestRuns:
    def test_are_listed_with_outcome_and_a_link_to_their_timeline(
        self, owner: Any, thread: Thread, run: Run, begin: Begin, open_page: OpenPage
    ) -> None:
        failed = begin("error", error_class="LookupError", usage={"total_tokens": 7})
        text = open_page(owner, thread, "runs")

        assert f"?run={run.pk}" in text and f"?run={failed.pk}" in text
        assert "LookupError" in text and ">7<" in text
        assert "Nodes in the last runs" in text

    def test_the_grid_says_which_node_failed_in_which_run(
        self, owner: Any, thread: Thread, begin: Begin, happen: Happen, open_page: OpenPage
    ) -> None:
        for error in (None, "ValueError"):
            run = begin("error" if error else "success")
            happen(run, [RUNNING, started("t1", "plan"), finished("t1", "plan", error=error)])

        grid = open_page(owner, thread, "runs").split("Nodes in the last runs")[1]

        assert re.findall(r"runs-grid__cell is-(\w+)", grid) == ["success", "error"]

    def test_one_under_way_can_be_cancelled_by_who_may(
        self, owner: Any, reader: Any, thread: Thread, begin: Begin, open_page: OpenPage
    ) -> None:
        begin("running")

        assert "Cancel this run" in open_page(owner, thread, "runs")
        assert "Cancel this run" not in open_page(reader, thread, "runs")

    def test_are_paged(
        self,
        owner: Any,
        thread: Thread,
        begin: Begin,
        open_page: OpenPage,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr("threads_app.web.runs.PAGE", 1)
        first, second = begin("success"), begin("success")

        latest = open_page(owner, thread, "runs")
        older = open_page(owner, thread, "runs", before=second.pk)

        assert str(second)[-8:] in latest and f"?before={second.pk}" in latest
        assert str(first)[-8:] in older and "Latest runs" in older

    def test_a_viewer_sees_them_without_a_way_to_their_steps(
        self, viewer: Any, stranger: Any, thread: Thread, run: Run, open_page: OpenPage
    ) -> None:
        text = open_page(viewer, thread, "runs")

        assert str(run)[-8:] in text
        assert "timeline/?run=" not in text
        assert page_of(stranger, thread, "runs").status_code == 404

    def test_cost_as_many_queries_as_before(
        self, owner: Any, thread: Thread, run: Run, begin: Begin, query_counts: Counts
    ) -> None:
        begin("success")
        with query_counts("console: thread runs"):
            assert page_of(owner, thread, "runs").status_code == 200

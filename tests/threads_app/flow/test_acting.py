"""Acts on a thread: what is done once, and what is refused in words."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

import pytest

from services.flowing import address, page_of, signed_in
from threadhub.kernel.audit.models import AuditEntry
from threads_app.graphs import catalog
from threads_app.models import Graph, Interrupt, Run, Thread

pytestmark = pytest.mark.django_db

Begin = Callable[..., Run]
KEY = "0f8fad5b-d9cb-469f-a165-70867728950e"


class TakesAll:
    """A graph that refuses one input."""

    def check_input(self, value: Any) -> None:
        from threadhub.kernel.errors import Invalid

        if value == {"topic": 1}:
            raise Invalid("The input does not fit.", fields={"topic": ["Must be a text."]})


@pytest.fixture(autouse=True)
def loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answer for the graph, which is in no project."""
    monkeypatch.setattr(catalog, "get", lambda _: TakesAll())


def post(person: Any, thread: Thread, act: str, **given: Any) -> Any:
    return signed_in(person).post(address(thread, act), given)


def said(response: Any, person: Any) -> str:
    """Follow to where it leads and return that page."""
    assert response.status_code == 303, response
    return response.client.get(response.headers["Location"]).content.decode()


def runs_of(thread: Thread) -> list[Run]:
    return list(Run.objects.filter(thread=thread).order_by("id"))


class TestRun:
    def test_starts_one_run_however_often_the_form_is_sent(
        self, owner: Any, thread: Thread
    ) -> None:
        first = post(owner, thread, "run", **{"input.value.topic": "tides", "key": KEY})
        second = post(owner, thread, "run", **{"input.value.topic": "tides", "key": KEY})

        assert "is on its way" in said(first, owner)
        assert second.status_code == 303
        assert [run.input for run in runs_of(thread)] == [{"topic": "tides"}]

    @pytest.mark.parametrize(
        ("typed", "told"),
        [('{"topic": 1}', "the input does not fit"), ("{topic", "this is no json")],
    )
    def test_says_what_is_wrong_and_keeps_what_was_typed(
        self, owner: Any, thread: Thread, typed: str, told: str
    ) -> None:
        raw = {"input.mode": "json", "input.json": typed, "key": KEY}
        response = post(owner, thread, "run", **raw)

        text = response.content.decode()
        assert response.status_code == 422
        assert told in text.lower()
        assert html.escape(typed) in text
        assert KEY in text
        assert runs_of(thread) == []

    def test_switches_to_json_without_starting(self, owner: Any, thread: Thread) -> None:
        form = {"input.value.topic": "tides", "input.switch": "1", "key": KEY}

        text = post(owner, thread, "run", **form).content.decode()

        assert "&quot;tides&quot;" in text
        assert runs_of(thread) == []

    def test_is_refused_on_a_busy_thread(self, owner: Any, thread: Thread, begin: Begin) -> None:
        begin("running")
        response = post(owner, thread, "run", key=KEY)

        assert response.status_code == 409
        assert "Another run is under way" in response.content.decode()
        assert len(runs_of(thread)) == 1

    def test_never_drops_an_open_question(
        self, owner: Any, thread: Thread, begin: Begin, ask: Callable[[Run], Interrupt]
    ) -> None:
        ask(begin("interrupted"))
        response = post(owner, thread, "run", key=KEY)

        assert response.status_code == 409
        assert "A question is open on this thread" in response.content.decode()
        assert "disabled" in page_of(owner, thread, "run").content.decode()

    def test_needs_the_right(self, reader: Any, viewer: Any, stranger: Any, thread: Thread) -> None:
        found = [post(who, thread, "run").status_code for who in (reader, viewer)]

        assert found == [403, 403]
        assert post(stranger, thread, "run").status_code == 404
        assert page_of(reader, thread, "run").status_code == 403

    def test_shows_what_the_graph_takes(self, owner: Any, thread: Thread) -> None:
        assert 'name="input.value.topic"' in page_of(owner, thread, "run").content.decode()

    def test_is_off_for_a_graph_that_cannot_run(
        self, owner: Any, thread: Thread, graph: Graph
    ) -> None:
        graph.status = Graph.Status.FAILED
        graph.save()

        text = page_of(owner, thread, "live").content.decode()

        assert "The graph writer cannot run at present." in text


class TestResume:
    def test_goes_on_without_an_input_as_the_last_run_was_configured(
        self, owner: Any, thread: Thread, begin: Begin
    ) -> None:
        begin("error", config={"tags": ["night"]}, context={"model": "small"})

        assert "goes on from its last checkpoint" in said(
            post(owner, thread, "resume", key=KEY), owner
        )
        assert post(owner, thread, "resume", key=KEY).status_code == 303
        _, second = runs_of(thread)
        assert (second.input, second.command) == (None, None)
        assert (second.config, second.context) == ({"tags": ["night"]}, {"model": "small"})

    def test_is_refused_where_nothing_has_run_or_something_does(
        self, owner: Any, thread: Thread, begin: Begin
    ) -> None:
        empty = post(owner, thread, "resume", key=KEY)
        begin("running")
        busy = post(owner, thread, "resume", key=KEY)

        assert (empty.status_code, busy.status_code) == (409, 409)
        assert "nothing to resume" in empty.content.decode()


class TestCancel:
    def test_asks_the_run_to_stop_and_keeps_the_reason(
        self, owner: Any, thread: Thread, begin: Begin
    ) -> None:
        run = begin("running")

        text = said(post(owner, thread, "cancel", run=run.pk, reason="Ticket 7"), owner)

        assert "The run is asked to stop." in text
        run.refresh_from_db()
        assert run.cancel_requested_at is not None
        entry = AuditEntry.objects.filter(act="run.cancel", object_pk=str(run.pk)).get()
        assert entry.reason == "Ticket 7"

    def test_is_done_once_and_says_when_it_came_too_late(
        self, owner: Any, thread: Thread, begin: Begin
    ) -> None:
        pending = begin("pending")
        ended = begin("success")

        for _ in range(2):
            answered = post(owner, thread, "cancel", run=pending.pk)
            assert "The run is asked to stop." in said(answered, owner)
        late = post(owner, thread, "cancel", run=ended.pk)

        assert "This run has ended already." in said(late, owner)
        assert AuditEntry.objects.filter(act="run.cancel").count() == 1

    def test_says_so_where_there_is_no_run(self, owner: Any, thread: Thread) -> None:
        response = post(owner, thread, "cancel")

        assert response.status_code == 409
        assert "No run is under way" in response.content.decode()

    def test_needs_the_right(self, reader: Any, thread: Thread, begin: Begin) -> None:
        run = begin("running")

        assert post(reader, thread, "cancel", run=run.pk).status_code == 403
        run.refresh_from_db()
        assert run.cancel_requested_at is None


class TestRenameAndDelete:
    def test_a_thread_is_renamed(self, owner: Any, thread: Thread) -> None:
        assert "is called Night tides now" in said(
            post(owner, thread, "rename", title="Night tides"), owner
        )

    def test_a_name_that_is_too_long_stays_in_the_field(self, owner: Any, thread: Thread) -> None:
        response = post(owner, thread, "rename", title="x" * 300)

        assert response.status_code == 422
        assert "x" * 300 in response.content.decode()

    # The store writes on connections of its own.
    @pytest.mark.django_db(transaction=True)
    def test_a_thread_is_deleted_after_a_question(self, owner: Any, thread: Thread) -> None:
        assert "This cannot be undone" in page_of(owner, thread, "remove").content.decode()
        assert "is deleted" in said(post(owner, thread, "remove"), owner)
        assert not Thread.objects.filter(pk=thread.pk).exists()

    def test_both_need_their_rights(self, reader: Any, thread: Thread) -> None:
        assert post(reader, thread, "rename", title="Mine").status_code == 403
        assert post(reader, thread, "remove").status_code == 403
        thread.refresh_from_db()
        assert thread.title == "Plan seven"

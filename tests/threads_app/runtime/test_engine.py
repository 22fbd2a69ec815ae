"""Runs, executed by real engines on the real store."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from services.observing import kinds, values
from threadhub.kernel import clock
from threadhub.kernel.audit.models import AuditEntry
from threadhub.kernel.streams.models import StreamEvent
from threads_app.models import Interrupt, Run, Thread
from threads_app.runtime import leases
from threads_app.runtime.engine import Engine
from threads_app.services import answers, runs
from threads_app.services.interrupts import NothingToAnswer

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]

Make = Callable[[str], Thread]
Start = Callable[..., Run]
InBackground = Callable[[Callable[[], object]], threading.Thread]


class TestARun:
    def test_ends_with_its_state_its_events_and_its_audit(
        self, engine: Engine, make_thread: Make, start: Start
    ) -> None:
        thread = make_thread("steps")
        run = start(thread, input={"steps": 3}, options={"stream_modes": ["values"]})

        assert engine.execute(run_id=run.pk)

        run.refresh_from_db()
        assert (run.status, run.attempt, run.crashes) == ("success", 1, 0)
        assert run.lease_until is None and run.owner == ""
        assert values(thread)["trail"] == ["step 1", "step 2", "step 3"]
        assert thread.status == "idle" and thread.values_preview["count"] == 3
        assert not thread.head.held
        seen = kinds(thread)
        assert seen[:3] == ["thread.created", "run.pending", "run.running"]
        assert seen[-1] == "run.success"
        assert (seen.count("checkpoint"), seen.count("custom"), seen.count("values")) == (5, 3, 4)
        assert seen.count("task.started") == seen.count("task.finished") == 3
        acts = AuditEntry.objects.filter(object_pk=str(run.pk), model_label="run")
        assert set(acts.values_list("act", "outcome")) == {
            ("run.start", "done"),
            ("run.finish", "success"),
        }

    def test_continues_the_state_of_the_run_before(
        self, engine: Engine, make_thread: Make, start: Start
    ) -> None:
        thread = make_thread("steps")
        engine.execute(run_id=start(thread, input={"steps": 1}).pk)

        engine.execute(run_id=start(thread, input={"steps": 3}).pk)

        assert values(thread)["trail"] == ["step 1", "step 2", "step 3"]

    def test_fails_with_class_and_redacted_message_and_leaves_the_thread_usable(
        self, engine: Engine, make_thread: Make, start: Start
    ) -> None:
        thread = make_thread("failing")
        run = start(thread, input={"count": 0})

        engine.execute(run_id=run.pk)

        run.refresh_from_db()
        assert (run.status, run.error_kind, run.error_class) == ("error", "node", "LookupError")
        assert "no answer" in run.error_message and "hunter2" not in run.error_message
        thread.refresh_from_db()
        assert thread.status == "error"
        assert engine.execute(run_id=start(thread, input={"count": 0}).pk)

    def test_refuses_a_value_it_could_not_read_back(
        self, engine: Engine, make_thread: Make, start: Start
    ) -> None:
        thread = make_thread("foreign")
        run = start(thread, input={"count": 0})

        engine.execute(run_id=run.pk)

        run.refresh_from_db()
        assert (run.status, run.error_class) == ("error", "UnreadableType")
        for part in ("value", "http.HTTPStatus", "allowed_msgpack_modules"):
            assert part in run.error_message

    def test_streams_tokens(self, engine: Engine, make_thread: Make, start: Start) -> None:
        thread = make_thread("chatting")
        run = start(thread, input={"messages": [{"role": "user", "content": "hello"}]})

        engine.execute(run_id=run.pk)

        tokens = StreamEvent.objects.filter(run_id=run.public_id, kind="messages").order_by("seq")
        text = "".join(event.payload["message"]["content"] for event in tokens)
        assert text == "one two three four five"
        assert answers.result(run_id=run.pk)["messages"][-1]["content"] == text

    def test_waits_its_turn_on_a_busy_thread(
        self,
        engine: Engine,
        project: Any,
        make_thread: Make,
        start: Start,
        in_background: InBackground,
    ) -> None:
        project.gates["block"] = threading.Event()
        thread = make_thread("blocking")
        first, second, third = (start(thread, input={"count": n}) for n in (1, 2, 3))
        in_background(lambda: engine.execute(run_id=third.pk))
        project.reached.setdefault("block", threading.Event()).wait(10)

        was_there_work = engine.execute(run_id=second.pk)
        project.gates["block"].set()

        assert not was_there_work
        with pytest.raises(runs.ThreadBusy):
            start(thread, input={"count": 4}, strategy="reject")
        for run in (first, second, third):
            while not Run.objects.filter(pk=run.pk, status="success").exists():
                engine.execute(run_id=run.pk)
        assert values(thread)["trail"] == [
            part for n in (1, 2, 3) for part in (f"blocked {n}", "after")
        ]

    def test_stops_before_a_breakpoint_and_goes_on_without_input(
        self, engine: Engine, make_thread: Make, start: Start
    ) -> None:
        thread = make_thread("breaking")
        run = start(thread, input={"count": 0})
        engine.execute(run_id=run.pk)
        run.refresh_from_db()
        assert run.status == "interrupted" and values(thread)["trail"] == ["one"]
        assert thread.status == "interrupted"

        engine.execute(run_id=start(thread).pk)

        assert values(thread)["trail"] == ["one", "two"] and thread.status == "idle"

    def test_stays_pending_until_it_is_due(
        self, engine: Engine, make_thread: Make, start: Start
    ) -> None:
        run = start(make_thread("steps"), input={"steps": 1}, after_seconds=3600)

        assert not engine.execute(run_id=run.pk)

        run.refresh_from_db()
        assert run.status == "pending"


class TestQuestions:
    def test_are_asked_in_subgraphs_one_after_the_other_and_answered_once(
        self, engine: Engine, make_thread: Make, start: Start, person: Any
    ) -> None:
        thread = make_thread("asking")
        engine.execute(run_id=start(thread, input={"count": 0}).pk)
        first = Interrupt.objects.open().get(thread=thread)
        assert first.value == {"question": "first?"}
        assert first.response_schema == {"type": "string"}
        assert first.namespace.startswith("inner:") and first.node == "ask"

        answer = start(thread, command={"resume": "yes"})
        with pytest.raises(NothingToAnswer, match="olga answered this already"):
            start(thread, command={"resume": {first.interrupt_id: "no"}})
        engine.execute(run_id=answer.pk)

        second = Interrupt.objects.open().get(thread=thread)
        assert second.value == {"question": "second?"} and second.answered_before == 1
        engine.execute(run_id=start(thread, command={"resume": "indeed"}).pk)
        assert values(thread)["trail"] == ["before", "before", "yes+indeed"]
        assert thread.status == "idle" and not Interrupt.objects.open().exists()
        first.refresh_from_db()
        assert (first.status, first.answer, first.answered_by) == ("answered", "yes", person)

    def test_take_an_answer_once_when_the_worker_dies_after_it_was_heard(
        self,
        make_engine: Callable[[], Engine],
        project: Any,
        make_thread: Make,
        start: Start,
        in_background: InBackground,
    ) -> None:
        thread = make_thread("asking")
        engine = make_engine()
        engine.execute(run_id=start(thread, input={"count": 0}).pk)
        engine.execute(run_id=start(thread, command={"resume": "yes"}).pk)
        project.gates["asked"] = threading.Event()
        answer = start(thread, command={"resume": "indeed"})
        in_background(lambda: engine.execute(run_id=answer.pk))
        project.reached.setdefault("asked", threading.Event()).wait(10)
        leases.take_over(reason="the worker died")
        project.gates["asked"].set()

        make_engine().execute(run_id=answer.pk)

        answer.refresh_from_db()
        assert (answer.status, answer.attempt) == ("success", 2)
        assert values(thread)["trail"] == ["before", "before", "yes+indeed"]

    def test_are_dropped_and_said_so_when_the_thread_goes_on_without_an_answer(
        self, engine: Engine, make_thread: Make, start: Start
    ) -> None:
        thread = make_thread("asking")
        engine.execute(run_id=start(thread, input={"count": 0}).pk)
        question = Interrupt.objects.open().get(thread=thread)

        engine.execute(run_id=start(thread, input={"count": 1}).pk)

        question.refresh_from_db()
        assert question.status == "dropped" and "interrupt.dropped" in kinds(thread)
        assert Interrupt.objects.open().filter(thread=thread).count() == 1

    def test_open_again_when_the_run_with_the_answer_is_cancelled_in_time(
        self, engine: Engine, make_thread: Make, start: Start, person: Any
    ) -> None:
        thread = make_thread("asking")
        engine.execute(run_id=start(thread, input={"count": 0}).pk)
        answer = start(thread, command={"resume": "yes"})

        runs.cancel(run=answer, actor=person, now=clock.now())

        question = Interrupt.objects.get(thread=thread)
        assert (question.status, question.answered_by) == ("open", None)


class TestCancelling:
    @pytest.mark.parametrize("graph", ["waiting", "blocking"])
    def test_ends_a_run_under_way(
        self,
        engine: Engine,
        project: Any,
        make_thread: Make,
        start: Start,
        person: Any,
        in_background: InBackground,
        graph: str,
    ) -> None:
        name = {"waiting": "wait", "blocking": "block"}[graph]
        project.gates["block"] = threading.Event()
        thread = make_thread(graph)
        run = start(thread, input={"count": 0})
        executing = in_background(lambda: engine.execute(run_id=run.pk))
        assert project.reached.setdefault(name, threading.Event()).wait(10)

        runs.cancel(run=run, actor=person, now=clock.now())
        engine.look_for_cancelled()
        executing.join(10)

        run.refresh_from_db()
        assert run.status == "cancelled"
        project.gates["block"].set()
        assert kinds(thread)[-1] == "run.cancelled"
        assert not values(thread).get("trail")

    def test_ends_a_pending_run_at_once_and_only_once(
        self, make_thread: Make, start: Start, person: Any
    ) -> None:
        run = start(make_thread("steps"), input={"steps": 1})

        runs.cancel(run=run, actor=person, now=clock.now())

        run.refresh_from_db()
        assert run.status == "cancelled"
        with pytest.raises(Exception, match="ended already"):
            runs.cancel(run=run, actor=person, now=clock.now())

    def test_by_deadline_is_a_timeout(
        self, engine: Engine, make_thread: Make, start: Start, settings: Any
    ) -> None:
        settings.RUN_DEADLINE_SECONDS = 0.2
        run = start(make_thread("waiting"), input={"count": 0})

        engine.execute(run_id=run.pk)

        run.refresh_from_db()
        assert (run.status, run.error_class) == ("timeout", "DeadlineExceeded")

"""Plans: what runs when, with what, and what becomes of a plan when something fails."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sessions_app.models import Plan, PlanNode, Session
from threadhub.coordination import coordinator, duties, plans, statuses
from threadhub.kernel import acts, clock, events
from threadhub.kernel.audit.models import AuditEntry
from threadhub.kernel.events.models import OutboxEvent
from threadhub.kernel.rbac import derive
from threadhub.kernel.streams import log
from threads_app.models import Interrupt, Run
from threads_app.models import Thread as HubThread
from threads_app.selectors import assistants
from threads_app.services import runs
from threads_app.services.runs import RunOrder

pytestmark = pytest.mark.both_databases

Make = Callable[..., Session]
Start = Callable[..., Plan]
Work = Callable[[], int]
Nodes = Callable[[Plan], dict[str, PlanNode]]


OVERDUE = timedelta(minutes=10)


def told(session: Session) -> list[tuple[str, Any]]:
    """The session's events: kind, and whom it is about."""
    events = log.read(stream_id=session.stream_id, after=0)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    return [(event.kind, event.payload.get("name")) for event in events]


def test_threads_run_in_order_and_the_plan_finishes(
    make: Make, start: Start, work: Work, nodes: Nodes, project: Any
) -> None:
    session = make(
        {"first": {"give": 1}, "second": {}, "third": {}},
        (("first", "second"), ("second", "third")),
    )
    assert Run.objects.count() == 0

    plan = start(session)
    work()

    found = nodes(plan)
    assert project.done == [
        found[n].association.thread.public_id for n in ("first", "second", "third")
    ]
    assert plan.status == "finished" and plan.finished_at is not None
    assert {node.status for node in found.values()} == {"success"}
    assert [found[name].level for name in found] == [0, 1, 2]
    assert found["first"].output_preview == {"out": 1, "nothing": None}
    assert told(session)[-2:] == [("plan.finished", None), ("session.status", None)]
    session.refresh_from_db()
    assert session.status == statuses.status_of(session) == "finished"


def test_data_flows_as_a_whole_and_by_mapping_in_the_order_of_names(
    make: Make, start: Start, work: Work, nodes: Nodes, project: Any
) -> None:
    session = make(
        {"b": {"give": {"deep": [3, 4], "none": None}}, "a": {"give": "low"}, "end": {"give": 0}},
        (("a", "end", {}), ("b", "end", {"taken": "out.deep[1]", "give": "out.none"})),
    )
    plan = start(session)
    work()

    end = nodes(plan)["end"]
    assert end.run is not None
    assert end.run.input == {"give": None, "out": "low", "nothing": None, "taken": 4}
    assert project.seen[end.association.thread.public_id]["session_id"] == str(session.public_id)


def test_a_limit_is_kept_and_every_thread_gets_its_turn(
    make: Make, start: Start, work: Work, nodes: Nodes
) -> None:
    session = make({name: {} for name in "abcd"}, parallel_limit=2)

    plan = start(session)
    started = {name: node.status for name, node in nodes(plan).items()}
    work()

    assert started == {"a": "running", "b": "running", "c": "pending", "d": "pending"}
    assert {node.status for node in nodes(plan).values()} == {"success"}


FAN = {"bad": {"fail": True}, "good": {}, "below": {}, "beside": {}, "last": {}}
FAN_EDGES = (("bad", "below"), ("good", "beside"), ("below", "last"))


def test_after_a_failure_what_does_not_depend_on_it_still_runs(
    make: Make, start: Start, work: Work, nodes: Nodes
) -> None:
    session = make(FAN, FAN_EDGES, policy="best_effort")
    plan = start(session)
    work()

    found = nodes(plan)
    assert {name: (node.status, node.reason, node.blocked_by) for name, node in found.items()} == {
        "bad": ("error", "LookupError: as told", []),
        "good": ("success", "", []),
        "below": ("blocked", "bad failed", ["bad"]),
        "beside": ("success", "", []),
        "last": ("blocked", "below was blocked", ["below"]),
    }
    session.refresh_from_db()
    assert (plan.status, session.status) == ("failed", "failed")


def test_a_strict_plan_starts_nothing_more_after_a_failure(
    make: Make, start: Start, work: Work, nodes: Nodes
) -> None:
    session = make(FAN, FAN_EDGES, policy="strict", parallel_limit=1)
    plan = start(session)
    work()

    found = nodes(plan)
    assert {name: node.reason for name, node in found.items() if node.status == "blocked"} == {
        "good": "stopped after bad failed",
        "below": "bad failed",
        "beside": "stopped after bad failed",
        "last": "stopped after bad failed",
    }
    assert plan.status == "failed"


@pytest.mark.parametrize(
    ("given", "mapping", "reason"),
    [
        ({"give": {"a": 1}}, {"taken": "out.b"}, "`out.b` is not in the output of up."),
        ({"give": "x"}, {"taken": "length(nothing)"}, "does not fit the output of up"),
        ({"give": "x"}, {"number": "out"}, "The input does not fit the graph's schema"),
    ],
)
def test_data_that_is_missing_or_does_not_fit_blocks_with_the_reason(
    make: Make,
    start: Start,
    work: Work,
    nodes: Nodes,
    given: dict[str, Any],
    mapping: dict[str, str],
    reason: str,
) -> None:
    plan = start(make({"up": given, "down": {}}, (("up", "down", mapping),)))
    work()

    down = nodes(plan)["down"]
    assert (down.status, plan.status) == ("blocked", "failed")
    assert reason in down.reason


def answer(question: Interrupt, actor: Any) -> Run:
    return runs.answer(question=question, answer="yes", actor=actor, now=clock.now())


def test_a_node_follows_its_question_to_the_answer(
    make: Make, start: Start, work: Work, nodes: Nodes, person: Any
) -> None:
    session = make({"asks": {"ask": True}, "after": {}}, (("asks", "after"),))
    plan = start(session)
    work()
    waiting = nodes(plan)["asks"].status
    session.refresh_from_db()
    shown = session.status

    first = answer(Interrupt.objects.open().get(), person)
    taken_up = nodes(plan)["asks"]
    runs.cancel(run=first, actor=person, now=clock.now())
    still = nodes(plan)["asks"].status
    second = answer(Interrupt.objects.open().get(), person)
    work()

    assert (waiting, shown, plan.status) == ("waiting", "waiting", "running")
    assert (taken_up.status, taken_up.run) == ("running", first)
    assert still == "waiting"
    found = nodes(plan)
    assert (found["asks"].status, found["asks"].run) == ("success", second)
    assert (found["after"].status, plan.status) == ("success", "finished")


def test_an_ordinary_run_that_drops_the_question_carries_the_plan_on(
    make: Make, start: Start, work: Work, nodes: Nodes, person: Any
) -> None:
    session = make({"asks": {"ask": True}})
    plan = start(session)
    work()

    thread = nodes(plan)["asks"].association.thread
    by_hand(thread, person, {"ask": False, "give": 5})
    work()

    assert nodes(plan)["asks"].output_preview == {"out": 5, "nothing": None}
    assert plan.status == "finished"


def by_hand(thread: HubThread, person: Any, given: dict[str, Any]) -> Run:
    assistant = assistants.resolve("task", user=person)
    order = RunOrder(input=given)
    return runs.start(
        thread=thread, assistant=assistant, actor=person, order=order, now=clock.now()
    )


def test_runs_by_hand_make_no_nodes_and_change_the_sessions_status(
    make: Make, work: Work, person: Any
) -> None:
    session = make({"one": {}})
    thread = HubThread.objects.get()

    by_hand(thread, person, {"fail": True})
    running = Session.objects.get(pk=session.pk).status
    work()
    failed = Session.objects.get(pk=session.pk).status
    by_hand(thread, person, {"fail": False})
    work()

    assert (running, failed) == ("running", "failed")
    assert Session.objects.get(pk=session.pk).status == "idle"
    assert not PlanNode.objects.exists()


def test_a_canceled_plan_stops_what_runs_and_starts_nothing_more(
    make: Make, start: Start, work: Work, nodes: Nodes, person: Any
) -> None:
    session = make({"a": {"ask": True}, "b": {}, "c": {}}, (("b", "c"),))
    plan = start(session)
    plans.cancel(plan=plan, actor=person, now=clock.now())
    ran = work()

    assert ran == 0
    assert {node.status for node in nodes(plan).values()} == {"cancelled"}
    assert set(Run.objects.values_list("status", flat=True)) == {"cancelled"}
    assert plan.status == "cancelled"
    assert [kind for kind, _ in told(session)][-2:] == ["plan.cancelled", "session.status"]
    with pytest.raises(plans.PlanEnded):
        plans.cancel(plan=plan, actor=person, now=clock.now())


def test_a_plan_is_canceled_without_waiting_for_a_thread_while_it_holds_a_stream(
    make: Make, start: Start, person: Any
) -> None:
    plan = start(make({"a": {}, "b": {}}))

    with CaptureQueriesContext(connection) as asked:
        plans.cancel(plan=plan, actor=person, now=clock.now())
    statements = [query["sql"] for query in asked]
    streams = [place for place, sql in enumerate(statements) if "UPDATE threadhub_stream" in sql]
    locks = [place for place, sql in enumerate(statements) if 'FROM "threads_thread" WHERE' in sql]

    assert len(streams) == 3 and len(locks) >= 2
    assert max(locks) < min(streams)


def test_a_run_that_was_deleted_ends_its_node(make: Make, start: Start, nodes: Nodes) -> None:
    plan = start(make({"a": {}}))
    run = nodes(plan)["a"].run
    assert run is not None

    runs.delete(run=run, now=clock.now())

    assert (nodes(plan)["a"].status, nodes(plan)["a"].reason) == (
        "cancelled",
        "its run was deleted",
    )
    assert plan.status == "failed"


def test_the_persons_rights_are_looked_at_when_a_thread_starts(
    make: Make, start: Start, work: Work, nodes: Nodes
) -> None:
    plan = start(make({"a": {}, "b": {}}, (("a", "b"),)))
    taken = nodes(plan)["b"].association.thread
    other = get_user_model().objects.create_user("other")
    with acts.act("session.hand_over"):
        for row in (taken, plan.session):
            row.owner = other
            row.save()
        derive.refresh_objects(thread_ids=[taken.pk])
    work()

    down = nodes(plan)["b"]
    assert (down.status, down.reason) == ("blocked", "olga may not run the thread of b any more.")


def test_what_a_plan_does_is_its_persons_in_the_audit(
    make: Make, start: Start, work: Work, person: Any
) -> None:
    start(make({"a": {}}))
    work()

    acts = AuditEntry.objects.filter(act__in=["node.running", "run.start", "node.success"])
    assert set(acts.values_list("actor_id", flat=True)) == {person.pk}
    assert acts.count() == 3


def test_the_tick_finds_what_lost_events_left_lying_and_asks_once_when_there_is_nothing(
    make: Make, start: Start, work: Work, nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = make({"a": {}, "b": {"ask": True}}, (("a", "b"),))
    monkeypatch.setattr(coordinator, "advance", lambda **_: None)
    plan = start(session)
    monkeypatch.undo()

    advanced = [duties.advance_stalled(clock.now())]
    work()
    waiting = nodes(plan)["b"].status
    with CaptureQueriesContext(connection) as idle:
        advanced.append(duties.advance_stalled(clock.now()))

    assert advanced == [1, 0]
    assert waiting == "waiting"
    assert len(idle) == 1


def test_events_of_a_killed_process_bring_the_plan_forward_later(
    make: Make, start: Start, work: Work, nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = start(make({"a": {}, "b": {}}, (("a", "b"),)))
    monkeypatch.setattr(coordinator, "advance", lambda **_: 1 / 0)
    work()
    monkeypatch.undo()
    before = nodes(plan)["a"].status

    kept = OutboxEvent.objects.filter(kind="threads.run_finished").count()
    events.deliver_due(clock.now() + OVERDUE)
    work()

    assert (before, kept) == ("running", 1)
    assert nodes(plan)["b"].status == "success"
    assert plan.status == "finished"


def test_two_coordinators_at_once_start_one_run(
    make: Make, start: Start, nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coordinator, "advance", lambda **_: None)
    plan = start(make({name: {} for name in "abc"}, parallel_limit=2))
    monkeypatch.undo()
    barrier = Barrier(2)
    failures: list[BaseException] = []

    def advance() -> None:
        try:
            barrier.wait(10)
            coordinator.advance(plan_id=plan.pk)
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    racing = [Thread(target=advance) for _ in range(2)]
    for each in racing:
        each.start()
    for each in racing:
        each.join(20)

    assert failures == []
    assert Run.objects.count() == 2
    assert sorted(node.status for node in nodes(plan).values()) == ["pending", "running", "running"]


def test_an_empty_session_starts_nothing(make: Make, start: Start) -> None:
    with pytest.raises(plans.NothingToRun):
        start(make({}))


def test_the_status_that_events_wrote_is_the_one_that_the_rows_say(
    make: Make, start: Start, work: Work, person: Any
) -> None:
    session = make({"a": {"ask": True}, "b": {}})
    seen = []
    for act in (
        lambda: start(session),
        work,
        lambda: answer(Interrupt.objects.get(), person),
        work,
    ):
        act()
        session.refresh_from_db()
        assert session.status == statuses.status_of(session)
        seen.append(session.status)

    assert seen == ["running", "waiting", "running", "finished"]

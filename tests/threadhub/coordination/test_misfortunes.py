"""What nobody expects happens to one thread of a plan, and the plan still comes to its end."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sessions_app.models import Plan, PlanNode, Session
from threadhub.coordination import coordinator, creating, pictures
from threadhub.coordination.blueprints import MemberDraft
from threadhub.kernel import clock
from threadhub.kernel.events.models import OutboxEvent
from threads_app.services import answers

pytestmark = pytest.mark.both_databases

Make = Callable[..., Session]
Start = Callable[..., Plan]
Work = Callable[[], int]
Nodes = Callable[[Plan], dict[str, PlanNode]]


@pytest.mark.parametrize(
    ("mapping", "reason"),
    [
        ({"taken": "out[::0]"}, "`out[::0]` does not fit the output of up"),
        ({"taken": "floor(to_number(out[0]))"}, "does not fit the output of up"),
        ({"taken": "to_number(out[0])"}, "Something went wrong inside ThreadHub"),
    ],
)
def test_an_expression_that_comes_to_nothing_python_knows_blocks_its_thread_alone(
    make: Make,
    start: Start,
    work: Work,
    nodes: Nodes,
    mapping: dict[str, str],
    reason: str,
) -> None:
    tasks: dict[str, dict[str, Any]] = {"up": {"give": ["1e999"]}, "down": {}, "other": {}}
    plan = start(make(tasks, (("up", "down", mapping), ("up", "other"))))
    work()

    found = nodes(plan)
    assert (found["down"].status, found["other"].status) == ("blocked", "success")
    assert reason in found["down"].reason
    assert plan.status == "failed"


def test_an_output_that_cannot_be_shown_does_not_hold_up_the_plan(
    make: Make, start: Start, work: Work, nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: Any) -> None:
        raise TypeError("unheard of")

    plan = start(make({"a": {}, "b": {}}, (("a", "b"),)))
    monkeypatch.setattr(answers, "output", fail)
    work()

    assert nodes(plan)["a"].output_preview["__error__"]["error"] == "TypeError"
    assert plan.status == "finished"


def test_a_thread_of_two_sessions_carries_both_plans_on(
    make: Make, start: Start, work: Work, nodes: Nodes, person: Any
) -> None:
    asking = start(make({"asks": {"ask": True}, "after": {}}, (("asks", "after"),)))
    work()
    shared = nodes(asking)["asks"].association.thread
    member = MemberDraft(
        name="same", assistant_id="task", thread_id=shared.public_id, input={"ask": False}
    )
    other, _ = creating.create(actor=person, members=[member], dependencies=[], now=clock.now())

    dropping = start(other)
    work()

    assert nodes(dropping)["same"].run == nodes(asking)["asks"].run
    assert (dropping.status, asking.status) == ("finished", "finished")
    assert not OutboxEvent.objects.exists()


def test_a_failure_blocks_all_below_it_in_one_look(
    make: Make, start: Start, work: Work, nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"t{number}" for number in range(9)]
    tasks = {name: {"fail": name == "t0"} for name in names}
    plan = start(make(tasks, tuple(pairwise(names))))
    looks: list[Plan] = []
    look = pictures.of
    monkeypatch.setattr(pictures, "of", lambda plan: (looks.append(plan), look(plan))[1])
    work()

    assert [nodes(plan)[name].reason for name in names[1:3]] == ["t0 failed", "t1 was blocked"]
    assert plan.status == "failed"
    # To follow the failure, to block, to end.
    assert len(looks) == 3


def test_a_look_costs_the_same_however_many_wait_for_people(
    make: Make, start: Start, work: Work
) -> None:
    costs = []
    for many in (1, 5):
        plan = start(make({f"t{number}": {"ask": True} for number in range(many)}))
        work()
        with CaptureQueriesContext(connection) as looking:
            coordinator.advance(plan_id=plan.pk)
        costs.append(len(looking))

    assert costs[0] == costs[1]


def test_a_session_is_made_with_as_many_statements_whatever_its_size(make: Make) -> None:
    costs = []
    for many in (2, 20):
        names = [f"t{number}" for number in range(many)]
        with CaptureQueriesContext(connection) as making:
            make({name: {} for name in names}, tuple(pairwise(names)))
        costs.append(len(making))

    assert costs[0] == costs[1]

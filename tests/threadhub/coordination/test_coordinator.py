"""Plans: what runs when, with what, and what becomes of a plan when something fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sessions_app.models import Plan, PlanNode, Session
from threadhub.coordination import statuses
from threadhub.kernel.streams import log
from threads_app.models import Run

pytestmark = pytest.mark.both_databases

Make = Callable[..., Session]
Start = Callable[..., Plan]
Work = Callable[[], int]
Nodes = Callable[[Plan], dict[str, PlanNode]]


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

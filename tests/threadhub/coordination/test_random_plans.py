"""Random plans with random failures: order, once each, a reason for whatever did not run."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from itertools import combinations
from typing import Any

import pytest

from sessions_app.models import Plan, PlanNode, Session
from threadhub.coordination import statuses

# In a long form: PLAN_TURNS=20 PLAN_NODES=200.
TURNS = int(os.environ.get("PLAN_TURNS", "4"))
NODES = int(os.environ.get("PLAN_NODES", "14"))

Make = Callable[..., Session]
Nodes = Callable[[Plan], dict[str, PlanNode]]


@pytest.mark.parametrize("turn", range(TURNS))
def test_random_plans_keep_their_order_and_say_why(
    make: Make,
    start: Callable[..., Plan],
    work: Callable[[], int],
    nodes: Nodes,
    project: Any,
    rng: random.Random,
    turn: int,
) -> None:
    names = [f"t{number:03}" for number in range(rng.randint(5, NODES))]
    rng.shuffle(names)
    tasks = {name: {"fail": rng.random() < 2 / NODES} for name in names}
    edges = [pair for pair in combinations(names, 2) if rng.random() < 3.5 / NODES]
    policy = rng.choice(["strict", "best_effort"])
    session = make(tasks, tuple(edges), policy=policy, parallel_limit=rng.randint(1, 4))

    plan = start(session)
    work()

    found = nodes(plan)
    threads = {node.association.thread.public_id: name for name, node in found.items()}
    order = [threads[thread] for thread in project.done]
    ran = {name for name, node in found.items() if node.status in {"success", "error"}}
    assert sorted(order) == sorted(ran)
    places = {name: place for place, name in enumerate(order)}
    for upstream, downstream in edges:
        assert downstream not in places or places[upstream] < places[downstream]
        assert downstream not in ran or found[upstream].status == "success"
    for name, node in found.items():
        assert (node.status == "error") == (name in ran and tasks[name]["fail"])
        assert bool(node.reason) == (node.status != "success")
        assert bool(node.blocked_by) == (node.status == "blocked")
    failing = {upstream for upstream, _ in edges if found[upstream].status != "success"}
    if policy == "best_effort":
        fed = {down for up, down in edges if up in failing}
        assert {name for name, node in found.items() if node.status == "blocked"} == fed
    has_succeeded = all(node.status == "success" for node in found.values())
    assert plan.status == ("finished" if has_succeeded else "failed")
    session.refresh_from_db()
    assert session.status == statuses.status_of(session)

"""What a graph is told of its run."""

from __future__ import annotations

from threads_app.runtime.executor import Order, config_of


def test_nobody_says_in_a_config_who_they_are_or_what_langgraph_tells_itself() -> None:
    forged = {"langgraph_auth_user_id": "1", "langgraph_auth_user": {"identity": "1"}}
    given = {"tone": "low", "thread_id": "theirs", "__pregel_resuming": True, **forged}
    order = Order(run_id="r", thread_key="mine", config={"configurable": given})

    assert config_of(order)["configurable"] == {"tone": "low", "thread_id": "mine"}

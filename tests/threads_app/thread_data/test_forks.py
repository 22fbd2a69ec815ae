"""Forks of a real graph: the head moves to an earlier step, and the graph runs on from there."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from checkpoints_app.services import inspecting
from services.observing import kinds, values
from threadhub.kernel import acts, clock
from threadhub.kernel.audit.models import AuditEntry
from threadhub.kernel.errors import Invalid, NotVisible
from threadhub.kernel.streams.models import StreamEvent
from threads_app.models import Interrupt, Run, Thread
from threads_app.selectors import assistants, branches, snapshots
from threads_app.selectors import values as shown
from threads_app.services import forks, runs
from threads_app.services.forks import Fork, HeadMoved
from threads_app.services.state import StateBusy

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]

ForkAt = Callable[..., str]
Execute = Callable[..., None]


def at_step(thread: Thread, step: int) -> snapshots.Outline:
    rows = reversed(inspecting.outlines(key=thread.public_id))
    return next(row for row in rows if row.step == step and row.source != "fork")


def edited(thread: Thread, step: int, channel: str, change: Callable[[Any], Any]) -> dict[str, Any]:
    looked = snapshots.at(thread, at_step(thread, step).checkpoint_id).channel(channel)
    assert looked is not None
    return {channel: change(shown.masked(looked.value))}


@pytest.fixture
def fork_at(thread: Thread, owner: Any) -> ForkAt:
    def fork(step: int, **asked: Any) -> str:
        order = Fork(checkpoint_id=at_step(thread, step).checkpoint_id, **{"name": "b", **asked})
        made = forks.create(thread=thread, fork=order, actor=owner, now=clock.now())
        thread.refresh_from_db()
        return made

    return fork


def test_the_head_moves_back_and_nothing_runs(thread: Thread, fork_at: ForkAt) -> None:
    made = fork_at(1, name="retry")

    assert inspecting.head_id(key=thread.public_id) == made
    assert snapshots.at(thread).next == ("check",)
    assert thread.status == "interrupted" and not thread.head.held
    assert not Run.objects.filter(thread=thread).active().exists()


def test_the_graph_runs_on_from_the_fork(thread: Thread, fork_at: ForkAt, run: Execute) -> None:
    fork_at(0)
    run(thread)
    again = values(thread)

    assert again["notes"] == ["asked", "written"]
    assert Interrupt.objects.open().filter(thread=thread).count() == 1


@pytest.mark.parametrize(("step", "following"), [(0, "write"), (1, "check"), (2, "approve")])
def test_each_step_can_be_forked(
    thread: Thread, fork_at: ForkAt, run: Execute, step: int, following: str
) -> None:
    fork_at(step)
    assert snapshots.at(thread).next == (following,)

    run(thread)

    assert snapshots.at(thread).next == ("approve",)


def test_an_edit_keeps_types_and_everything_else(
    thread: Thread, fork_at: ForkAt, run: Execute
) -> None:
    budget = edited(thread, 2, "budget", lambda value: {**value, "limit": 99})
    draft = edited(thread, 2, "draft", lambda _: "Hello")

    fork_at(2, edits=budget | draft, as_node="check")
    run(thread)
    run(thread, command={"resume": "yes"})

    assert values(thread)["notes"][-2:] == ["answered yes", "sent Hello for 99.0"]


def test_a_list_behind_a_reducer_is_replaced(thread: Thread, fork_at: ForkAt) -> None:
    fork_at(2, edits={"notes": ["only this"]}, as_node="check")

    assert values(thread)["notes"] == ["only this"]


def test_messages_stay_messages(thread: Thread, fork_at: ForkAt) -> None:
    def change(held: list[Any]) -> list[Any]:
        held[0]["content"] = "Renew customer 4"
        return [*held, {"type": "human", "content": "And hurry", "id": "m9"}]

    fork_at(2, edits=edited(thread, 2, "messages", change), as_node="check")

    channel = snapshots.at(thread).channel("messages")
    assert channel is not None
    told = [(one["__type__"].rpartition(".")[2], one["content"]) for one in channel.value]
    assert told == [
        ("HumanMessage", "Renew customer 4"),
        ("AIMessage", "I wrote a draft."),
        ("HumanMessage", "And hurry"),
    ]


def test_a_masked_secret_that_was_left_alone_stays(thread: Thread, fork_at: ForkAt) -> None:
    same = edited(thread, 2, "api_key", lambda value: value)
    assert same == {"api_key": shown.MASK}

    fork_at(2, edits=same | {"draft": "Hello"}, as_node="check")

    assert values(thread)["api_key"] == "sk-live-canary0123456789"


WRONG = [
    ("draft", 7),
    ("draft", {"a": 1}),
    ("plan", "open"),
    ("budget", {"limit": "much"}),
    ("budget", [1]),
    ("notes", {"0": "a"}),
    ("api_key", "new-••••••"),
    ("nothing", 1),
    ("branch:to:send", None),
]


def test_another_type_is_refused_beside_its_channel(thread: Thread, fork_at: ForkAt) -> None:
    before = inspecting.head_id(key=thread.public_id)

    def fields_of(channel: str, given: Any) -> list[str]:
        with pytest.raises(Invalid) as refused:
            fork_at(2, edits={channel: given}, as_node="check")
        return list(refused.value.fields or {})

    assert [fields_of(*wrong) for wrong in WRONG] == [[channel] for channel, _ in WRONG]
    thread.refresh_from_db()
    assert inspecting.head_id(key=thread.public_id) == before
    assert not thread.head.held


def test_edits_need_a_node(fork_at: ForkAt) -> None:
    with pytest.raises(Invalid) as refused:
        fork_at(2, edits={"draft": "Hello"})

    assert "as_node" in (refused.value.fields or {})


def test_a_node_the_graph_lacks_is_refused(thread: Thread, fork_at: ForkAt) -> None:
    with pytest.raises(Invalid):
        fork_at(2, edits={"draft": "Hello"}, as_node="nobody")

    thread.refresh_from_db()
    assert not thread.head.held


def test_the_old_head_can_be_the_head_again(thread: Thread, fork_at: ForkAt, run: Execute) -> None:
    fork_at(0, name="retry")
    run(thread)
    fork_at(2, name="as before")

    laid = branches.tree(thread)
    assert {branch.name for branch in laid.branches} == {"", "retry", "as before"}
    assert snapshots.at(thread).next == ("approve",)


def test_it_is_told_and_recorded(thread: Thread, fork_at: ForkAt, owner: Any) -> None:
    made = fork_at(1, name="retry", reason="Ticket 12")

    moved = StreamEvent.objects.get(stream=thread.stream, kind="head.moved").payload
    assert moved == {
        "checkpoint_id": made,
        "parent_id": at_step(thread, 1).checkpoint_id,
        "name": "retry",
        "by": owner.get_username(),
    }
    entries = AuditEntry.objects.filter(act="state.fork").order_by("pk")
    assert [(entry.outcome, entry.reason) for entry in entries] == [
        ("admitted", "Ticket 12"),
        ("done", "Ticket 12"),
    ]
    assert "interrupt.dropped" in kinds(thread)


def test_the_same_form_twice_makes_one_fork(thread: Thread, fork_at: ForkAt) -> None:
    head = inspecting.head_id(key=thread.public_id)

    first = fork_at(1, key="k1", head=head)
    again = fork_at(1, key="k1", head=head)

    assert first == again
    assert StreamEvent.objects.filter(stream=thread.stream, kind="head.moved").count() == 1


def test_two_at_once_make_one_fork(
    thread: Thread, fork_at: ForkAt, in_background: Callable[..., threading.Thread]
) -> None:
    head = inspecting.head_id(key=thread.public_id)
    barrier, told = threading.Barrier(2), []

    def try_it(key: str) -> None:
        barrier.wait(10)
        try:
            told.append(fork_at(1, key=key, head=head))
        except (HeadMoved, StateBusy) as refused:
            told.append(refused.code)

    for thread_ in [in_background(lambda key=key: try_it(key)) for key in ("k1", "k2")]:
        thread_.join(20)

    assert len({*told} - {"head_moved", "thread_busy"}) == 1
    assert not thread.head.held


def test_a_page_that_is_out_of_date_is_refused(thread: Thread, fork_at: ForkAt) -> None:
    head = inspecting.head_id(key=thread.public_id)
    fork_at(1, key="k1", head=head)

    with pytest.raises(HeadMoved):
        fork_at(1, key="k2", head=head)


@pytest.mark.parametrize("status", ["pending", "running"])
def test_a_run_under_way_refuses_forks(
    thread: Thread, fork_at: ForkAt, owner: Any, status: str
) -> None:
    last = Run.objects.get(thread=thread)
    begun = runs.start(
        thread=thread,
        assistant=assistants.resolve(str(last.assistant_id), user=owner),
        actor=owner,
        order=runs.RunOrder(),
        now=clock.now(),
    )
    with acts.act("test.arrange"):
        Run.objects.filter(pk=begun.pk).update(status=status, fence=1, lease_until=clock.now())

    with pytest.raises(StateBusy):
        fork_at(1)


def test_an_unknown_checkpoint_is_not_there(thread: Thread, owner: Any) -> None:
    order = Fork(checkpoint_id="1f0a0000-0000-6000-8000-000000000001", name="b")

    with pytest.raises(NotVisible):
        forks.create(thread=thread, fork=order, actor=owner, now=clock.now())


def test_a_branch_has_a_name(fork_at: ForkAt) -> None:
    def fields_of(name: str) -> list[str]:
        with pytest.raises(Invalid) as refused:
            fork_at(1, name=name)
        return list(refused.value.fields or {})

    assert [fields_of(name) for name in ("", "   ", "x" * 61)] == [["name"]] * 3

"""Pictures of runs that engines executed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from threadhub.kernel import clock
from threads_app.models import Interrupt, Run, Thread
from threads_app.runtime.engine import Engine
from threads_app.selectors import timelines
from threads_app.selectors.pictures import Picture
from threads_app.services import runs

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]

Make = Callable[[str], Thread]
Start = Callable[..., Run]


def nodes(picture: Picture) -> dict[str, tuple[str, int]]:
    return {key: (node.state, node.visits) for key, node in picture.nodes.items()}


def picture_of(run: Run) -> Picture:
    return timelines.picture(timelines.chain(run))


def test_a_loop_is_one_node_with_visits(engine: Engine, make_thread: Make, start: Start) -> None:
    run = start(make_thread("steps"), input={"steps": 3})
    engine.execute(run_id=run.pk)

    picture = picture_of(run)

    assert nodes(picture) == {"step": ("success", 3)}
    assert (picture.status, picture.next, picture.running) == ("success", (), {})
    assert picture.moves == {("__start__", "step"), ("step", "step")}
    steps = timelines.rows([run.public_id], known=picture).steps
    assert [step.number for step in steps] == [1, 2, 3]
    assert all(step.checkpoint_id and step.seconds is not None for step in steps)


def test_an_answered_question_is_followed_over_all_its_runs(
    engine: Engine, make_thread: Make, start: Start, person: Any
) -> None:
    thread = make_thread("asking")
    run = start(thread, input={"count": 0})
    engine.execute(run_id=run.pk)
    asked = nodes(picture_of(run))
    for answer in ("yes", "no"):
        question = Interrupt.objects.open().get(thread=thread)
        run = runs.answer(question=question, answer=answer, actor=person, now=clock.now())
        engine.execute(run_id=run.pk)

    picture = picture_of(run)

    assert asked["inner:ask"] == ("waiting", 1)
    assert nodes(picture) == {
        "before": ("success", 1),
        "inner": ("success", 1),
        "inner:ask": ("success", 1),
    }
    assert len(timelines.chain(run)) == len(picture.spells) == 3


def test_subgraphs_at_the_same_time_are_kept_apart(
    engine: Engine, make_thread: Make, start: Start
) -> None:
    run = start(make_thread("fanning"), input={})
    engine.execute(run_id=run.pk)

    picture = picture_of(run)

    assert nodes(picture) == {
        "split": ("success", 1),
        "part": ("success", 3),
        "part:shout": ("success", 3),
        "join": ("success", 1),
    }
    assert ("split", "part") in picture.moves and ("split", "join") not in picture.moves
    assert set(picture.heads) == {""}


def test_a_failure_and_its_next_attempt_are_two_steps(
    engine: Engine, make_thread: Make, start: Start
) -> None:
    thread = make_thread("failing")
    first = start(thread, input={"count": 0})
    engine.execute(run_id=first.pk)
    again = start(thread)
    engine.execute(run_id=again.pk)

    picture = picture_of(again)
    steps = timelines.rows(timelines.chain(again), known=picture).steps

    assert [(step.state, step.error, step.attempt) for step in steps] == [
        ("error", "LookupError", 1),
        ("error", "LookupError", 2),
    ]
    assert picture.failures == 2


def test_what_a_step_wrote_and_where_is_found(
    engine: Engine, make_thread: Make, start: Start
) -> None:
    run = start(make_thread("steps"), input={"steps": 2})
    engine.execute(run_id=run.pk)
    ids = [run.public_id]
    picture = timelines.picture(ids)
    second = timelines.rows(ids, known=picture).steps[1]

    found = timelines.outcome(ids, second)

    assert found["output"]["trail"] == ["step 2"]
    assert found["begins_at"] == second.checkpoint_id
    assert found["ends_in"] not in {"", found["begins_at"]}

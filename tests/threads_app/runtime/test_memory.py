"""What runs of a person's remember across threads, by real engines on the real store."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model

from checkpoints_app.models import StoreItem
from services.observing import values
from threadhub.kernel import clock
from threads_app.models import Run, Thread
from threads_app.runtime.engine import Engine
from threads_app.selectors import assistants
from threads_app.services import runs, threads
from threads_app.services.runs import RunOrder

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]

Make = Callable[[str], Thread]
Start = Callable[..., Run]
InBackground = Callable[[Callable[[], object]], threading.Thread]


@pytest.fixture
def say(engine: Engine) -> Callable[[Any, str], Run]:
    """Return a function that has the graph remember a word, in a new thread of somebody's."""

    def run(person: Any, word: str) -> Run:
        asked = assistants.resolve("remembering", user=person)
        thread = threads.create(actor=person, now=clock.now(), assistant=asked)
        order = RunOrder(input={"value": word})
        run = runs.start(thread=thread, assistant=asked, actor=person, order=order, now=clock.now())
        engine.execute(run_id=run.pk)
        run.refresh_from_db()
        return run

    return run


def test_another_thread_of_the_same_person_knows_it(
    say: Callable[[Any, str], Run], person: Any
) -> None:
    first, second = say(person, "red"), say(person, "blue")

    assert (first.status, second.status) == ("success", "success")
    assert values(first.thread)["trail"] == ["knew nothing", "found 1"]
    assert values(second.thread)["trail"] == ["knew red", "found 1"]


def test_another_person_does_not(say: Callable[[Any, str], Run], person: Any) -> None:
    say(person, "red")
    other = get_user_model().objects.create_user("boris")
    chief = get_user_model().objects.create_superuser("chief")

    assert values(say(other, "green").thread)["trail"] == ["knew nothing", "found 1"]
    assert values(say(chief, "gold").thread)["trail"] == ["knew nothing", "found 1"]
    assert values(say(person, "blue").thread)["trail"][0] == "knew red"


def test_it_lives_as_long_as_the_project_says(say: Callable[[Any, str], Run], person: Any) -> None:
    say(person, "red")

    [item] = StoreItem.objects.visible_to(person, "read")
    assert (item.owner, item.namespace, item.key) == (person, ("facts",), "word")
    assert item.ttl_minutes == 60


def test_a_run_that_was_cut_off_changes_nothing_any_more(
    engine: Engine, make_thread: Make, start: Start, in_background: InBackground, project: Any
) -> None:
    project.gates["remember"] = threading.Event()
    thread = make_thread("remembering")
    run = start(thread, input={"value": "late"})
    working = in_background(lambda: engine.execute(run_id=run.pk))
    assert project.reached.setdefault("remember", threading.Event()).wait(10)

    threads.delete(thread=thread, now=clock.now())
    project.gates["remember"].set()
    working.join(20)

    assert not StoreItem.objects.exists()

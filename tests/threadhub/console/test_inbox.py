"""The inbox: everything that waits for a person, and nothing that does not."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.urls import reverse

from services import asking
from threadhub.console import inbox
from threadhub.kernel import clock
from threads_app.models import Graph, Thread
from threads_app.services import interrupts

pytestmark = pytest.mark.django_db

Counts = Callable[[str], AbstractContextManager[None]]


@pytest.fixture
def ana() -> Any:
    return asking.person("ana")


@pytest.fixture
def graph() -> Graph:
    return asking.graph()


@pytest.fixture
def thread(ana: Any, graph: Graph) -> Thread:
    return asking.thread(ana, graph, "Report", status="interrupted")


def show(user: Any, **query: Any) -> str:
    response = asking.signed_in(user).get(reverse("admin:inbox"), query)
    assert response.status_code == 200, response
    return response.content.decode()


def test_lists_the_questions_of_ones_threads_the_oldest_first(ana: Any, thread: Thread) -> None:
    asking.question(thread, value="The older one?", age=20)
    asking.question(thread, value="The newer one?", age=5)
    page = show(ana)

    assert page.index("The older one?") < page.index("The newer one?")
    assert "20 min ago" in page


def test_hides_the_questions_of_others(thread: Thread) -> None:
    asking.question(thread, value="A secret?")

    assert "A secret?" not in show(asking.person("stranger"))


def test_shows_who_may_only_view_that_something_waits(thread: Thread) -> None:
    auditor = asking.person("auditor")
    asking.share(thread, "auditor", to=auditor)
    asking.question(thread, value="A secret?")
    page = show(auditor)

    assert "A secret?" not in page
    assert "This thread waits for an answer." in page
    assert "but not what it asks" in page


def test_can_be_narrowed_to_claims_and_graphs(ana: Any, graph: Graph, thread: Thread) -> None:
    mine = asking.question(thread, value="Mine?")
    asking.question(thread, value="Free?")
    other = asking.thread(ana, asking.graph("other"), status="interrupted")
    asking.question(other, value="Elsewhere?")
    interrupts.claim(question=mine, actor=ana, now=clock.now())

    assert "Free?" not in show(ana, show="mine")
    assert "Mine?" not in show(ana, show="unclaimed")
    assert "Elsewhere?" not in show(ana, graph="echo")
    assert "Elsewhere?" in show(ana, graph="other")


def test_goes_on_where_a_page_ends(
    ana: Any, thread: Thread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "PER_PAGE", 2)
    rows = [asking.question(thread, value=f"Question {n}?") for n in range(3)]
    first, second = show(ana), show(ana, after=rows[1].pk)

    assert f"after={rows[1].pk}" in first
    assert "Question 2?" not in first
    assert "Question 2?" in second
    assert "First page" in second


@pytest.mark.parametrize("after", ["x", "-1", "9" * 40, "\u0661"])
def test_takes_no_nonsense_for_a_place(ana: Any, thread: Thread, after: str) -> None:
    asking.question(thread, value="Still here?")

    assert "Still here?" in show(ana, after=after)


def test_says_so_when_nothing_waits(ana: Any) -> None:
    assert "Nothing waits for an answer" in show(ana)
    assert "No question matches" in show(ana, show="mine")


def test_the_count_is_of_what_the_person_may_answer(
    ana: Any, thread: Thread, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer = asking.person("viewer")
    asking.share(thread, "viewer", to=viewer)
    monkeypatch.setattr(inbox, "COUNTED", 2)
    asking.question(thread)
    one = inbox.open_count(ana)
    for _ in range(3):
        asking.question(thread)

    assert (one, inbox.open_count(ana), inbox.open_count(viewer)) == (1, 2, 0)


def test_costs_the_same_for_one_question_and_for_many(
    ana: Any, thread: Thread, query_counts: Counts
) -> None:
    client = asking.signed_in(ana)
    asking.question(thread)
    with query_counts("console: inbox"):
        client.get(reverse("admin:inbox"))
    for _ in range(4):
        asking.question(asking.thread(ana, thread.graph, status="interrupted"))  # type: ignore[arg-type]
    with query_counts("console: inbox"):
        client.get(reverse("admin:inbox"))

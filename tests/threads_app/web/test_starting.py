"""New thread: a graph, its input as a form, and what is refused leaves nothing behind."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from services import asking
from threadhub.kernel.errors import Invalid
from threads_app.models import Graph, Run, Thread
from threads_app.web import starting

pytestmark = pytest.mark.django_db

INPUT = {
    "type": "object",
    "properties": {
        "subject": {"type": "string", "title": "Subject"},
        "count": {"type": "integer", "maximum": 9},
    },
    "required": ["subject", "count"],
}
KEY = "01a1fa92-9535-74a6-b93d-7b08a036adbd"


class Loaded:
    """Stands for the graph, which takes every input but one."""

    def check_input(self, given: Any) -> None:
        if given == {"subject": "refused"}:
            raise Invalid("No such subject.", fields={"subject": ["There is no such subject."]})


@pytest.fixture
def ana() -> Any:
    return asking.person("ana")


@pytest.fixture
def graph(monkeypatch: pytest.MonkeyPatch) -> Graph:
    monkeypatch.setattr("threads_app.services.runs.catalog.get", lambda _: Loaded())
    return asking.graph("writer", schemas={"input": INPUT})


def show(user: Any, **query: Any) -> str:
    response = asking.signed_in(user).get(reverse("admin:threads_app_thread_add"), query)
    assert response.status_code == 200, response
    return response.content.decode()


def send(user: Any, **typed: str) -> Any:
    data = {"graph": "writer", "key": KEY, "input.mode": "form", **typed}
    return asking.signed_in(user).post(reverse("admin:threads_app_thread_add"), data)


def test_graphs_that_cannot_run_say_why(ana: Any, graph: Graph) -> None:
    broken = asking.graph("broken")
    broken.status, broken.problem = Graph.Status.FAILED, "The package xyz is missing."
    broken.save()
    page = show(ana)

    assert "?graph=writer" in page
    assert "?graph=broken" not in page
    assert "The package xyz is missing." in page


def test_the_input_is_asked_for_as_the_graph_says(ana: Any, graph: Graph) -> None:
    page = show(ana, graph="writer")

    assert 'name="input.value.subject"' in page
    assert 'inputmode="numeric"' in page


def test_a_thread_is_made_and_started(ana: Any, graph: Graph) -> None:
    response = send(ana, title="Weekly", **{"input.value.subject": "x", "input.value.count": "3"})
    thread = Thread.objects.get()

    assert response["Location"] == reverse("admin:threads_app_thread_live", args=[thread.pk])
    assert (thread.title, thread.owner, thread.public_id) == ("Weekly", ana, KEY)
    assert Run.objects.get().input == {"subject": "x", "count": 3}


def test_a_double_click_makes_one_thread(ana: Any, graph: Graph) -> None:
    first, again = (send(ana, **{"input.value.subject": "x"}) for _ in range(2))

    assert first["Location"] == again["Location"]
    assert (Thread.objects.count(), Run.objects.count()) == (1, 1)


def test_a_thread_can_be_made_without_a_run(ana: Any, graph: Graph) -> None:
    send(ana, act="create", **{"input.value.count": "many"})

    assert (Thread.objects.count(), Run.objects.count()) == (1, 0)


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"input.value.count": "many"}, "Count: Enter a whole number."),
        ({"input.value.count": "12"}, "Count: Enter at most 9."),
        ({"input.value.subject": "refused"}, "Subject: There is no such subject."),
        ({"input.mode": "json", "input.json": "{,}"}, "line 1, column 2"),
        ({"title": "x" * 300}, "Use at most 255 characters."),
    ],
)
def test_what_is_refused_keeps_what_was_typed_and_leaves_nothing_behind(
    ana: Any, graph: Graph, typed: dict[str, str], told: str
) -> None:
    response = send(ana, **typed)
    page = response.content.decode()

    assert response.status_code == 422
    assert told in page
    assert list(typed.values())[-1] in page
    assert not Thread.objects.exists()


def test_the_input_can_be_written_as_json(ana: Any, graph: Graph) -> None:
    switched = send(ana, **{"input.value.subject": "kept", "input.switch": "1"}).content.decode()
    send(ana, **{"input.mode": "json", "input.json": '{"subject": "raw", "other": [1]}'})

    assert "&quot;subject&quot;: &quot;kept&quot;" in switched
    assert Run.objects.get().input == {"subject": "raw", "other": [1]}


def test_a_graph_that_is_not_there_is_refused(ana: Any, graph: Graph) -> None:
    assert send(ana, graph="missing").status_code == 422


def test_a_page_that_was_changed_on_its_way_is_refused(ana: Any, graph: Graph) -> None:
    response = send(ana, key="no id")

    assert response.status_code == 422
    assert not Thread.objects.exists()


def test_the_id_of_anothers_thread_opens_nothing(ana: Any, graph: Graph) -> None:
    send(asking.person("other"), act="create")
    response = send(ana, act="create")

    assert response.status_code == 422
    assert Thread.objects.count() == 1


def test_a_context_is_asked_for_where_the_graph_takes_one(ana: Any, graph: Graph) -> None:
    context = {"type": "object", "properties": {"model": {"type": "string"}}, "required": ["model"]}
    graph.description = {"schemas": {"context": context}, "has_context_schema": True}
    graph.save()

    assert 'name="context.value.model"' in show(ana, graph="writer")
    assert "Model: This is needed." in send(ana).content.decode()


def test_another_run_of_a_thread_has_the_same_form(ana: Any, graph: Graph) -> None:
    made = asking.thread(ana, graph)
    form = starting.run_form(made, {"input.mode": "form", "input.value.subject": "x", "key": "k"})

    assert form is not None
    order = form.order()
    assert order is not None
    assert (order.input, order.idempotency_key) == ({"subject": "x"}, "run:k")

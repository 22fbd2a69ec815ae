"""The admin pages as people see them who may view a thread and not read it."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse

from threadhub.kernel import clock
from threads_app.models import Graph, Run
from threads_app.services import assistants, runs, threads
from threads_app.services.runs import RunOrder

pytestmark = pytest.mark.django_db

SECRET = "Ada L."


@pytest.fixture
def owner() -> Any:
    return get_user_model().objects.create_user("owner")


@pytest.fixture
def auditor() -> Any:
    """Somebody who may view everything."""
    return get_user_model().objects.create_user("auditor", is_staff=True)


@pytest.fixture
def run(owner: Any) -> Run:
    """A failed run of a thread, both about somebody."""
    graph = Graph.objects.create(name="echo", project="p", target="t", status="loaded")
    assistant = assistants.ensure_default(graph=graph, now=clock.now())
    metadata = {"patient": SECRET}
    thread = threads.create(
        actor=owner, now=clock.now(), assistant=assistant, title="Intake", metadata=metadata
    )
    thread.values_preview, thread.error = {"patient": SECRET}, f"{SECRET} was not found"
    thread.save()
    order = RunOrder(context={"patient": SECRET}, metadata=metadata)
    made = runs.start(thread=thread, assistant=assistant, actor=owner, order=order, now=clock.now())
    made.error_class, made.error_message = "ValueError", f"{SECRET} was not found"
    made.save()
    return made


def page(user: Any, row: Run) -> str:
    client = Client()
    client.force_login(user)
    name = f"admin:threads_app_{row._meta.model_name}_change"
    return client.get(reverse(name, args=[row.pk])).content.decode()


def test_a_run_is_shown_without_its_order(owner: Any, auditor: Any, run: Run) -> None:
    assert "ValueError" in page(auditor, run)
    assert SECRET not in page(auditor, run)
    assert SECRET in page(owner, run)


def test_checkpoints_are_for_readers(auditor: Any, run: Run) -> None:
    client = Client()
    client.force_login(auditor)
    address = reverse("admin:threads_app_thread_checkpoints", args=[run.thread_id])

    assert client.get(address).status_code == 403


@pytest.mark.parametrize(
    ("model", "lookup"),
    [
        ("thread", "metadata__patient__startswith=A"),
        ("thread", "values_preview__contains=Ada"),
        ("thread", "error__contains=Ada"),
        ("thread", "owner__password__startswith=p"),
        ("run", "context__contains=Ada"),
        ("run", "error_message__contains=Ada"),
    ],
)
def test_what_is_hidden_cannot_be_guessed_by_filters(
    auditor: Any, run: Run, model: str, lookup: str
) -> None:
    client = Client()
    client.force_login(auditor)
    address = reverse(f"admin:threads_app_{model}_changelist")

    assert client.get(f"{address}?{lookup}").status_code == 400


def test_the_lists_are_narrowed_by_their_own_filters(auditor: Any, run: Run) -> None:
    client = Client()
    client.force_login(auditor)
    address = reverse("admin:threads_app_thread_changelist")

    assert "Intake" in client.get(f"{address}?status__exact=idle").content.decode()
    assert "Intake" not in client.get(f"{address}?status__exact=error").content.decode()

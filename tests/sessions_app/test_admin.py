"""The admin pages of sessions: what each person sees."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse

from sessions_app.models import Session
from threadhub.coordination import creating
from threadhub.coordination.blueprints import EdgeDraft, MemberDraft
from threadhub.kernel import clock
from threads_app.models import Graph
from threads_app.services import assistants, runs

pytestmark = pytest.mark.django_db
LIST = "/console/sessions_app/session/"
SECRET = "Ada L."
Counts = Callable[[str], AbstractContextManager[None]]


def person(name: str) -> Any:
    return get_user_model().objects.create_user(name)


def signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def operator() -> Any:
    return person("operator")


@pytest.fixture
def session(operator: Any, monkeypatch: pytest.MonkeyPatch) -> Session:
    monkeypatch.setattr(runs, "check", lambda *_: None)
    graph = Graph.objects.create(name="echo", project="p", target="t", status="loaded")
    assistants.ensure_default(graph=graph, now=clock.now())
    made, _ = creating.create(
        actor=operator,
        members=[MemberDraft(name=name, assistant_id="echo") for name in ("first", "second")],
        dependencies=[EdgeDraft(upstream="first", downstream="second")],
        now=clock.now(),
        has_start=True,
        title="Mine",
        metadata={"patient": SECRET},
    )
    return made


def test_the_list_shows_ones_own_sessions_only(
    operator: Any, session: Session, query_counts: Counts
) -> None:
    client, stranger = signed_in(operator), signed_in(person("stranger"))

    with query_counts("admin session list"):
        shown = client.get(LIST)

    assert "Mine" in shown.content.decode()
    assert "Mine" not in stranger.get(LIST).content.decode()


def test_the_page_shows_threads_and_the_last_plan(
    operator: Any, session: Session, query_counts: Counts
) -> None:
    client = signed_in(operator)
    address = reverse("admin:sessions_app_session_change", args=[session.pk])

    with query_counts("admin session page"):
        page = client.get(address).content.decode()

    assert all(text in page for text in ("first", "second", "Pending", "started by operator"))
    hidden = signed_in(person("stranger")).get(address)
    assert hidden.status_code == 404


def test_whoever_may_only_view_learns_no_metadata(operator: Any, session: Session) -> None:
    auditor = signed_in(get_user_model().objects.create_user("auditor", is_staff=True))
    address = reverse("admin:sessions_app_session_change", args=[session.pk])

    assert SECRET in signed_in(operator).get(address).content.decode()
    page = auditor.get(address).content.decode()
    assert "Mine" in page
    assert SECRET not in page
    assert auditor.get(f"{LIST}?metadata__patient__startswith=A").status_code == 400


def test_the_pages_speak_chinese(operator: Any, session: Session) -> None:
    address = reverse("admin:sessions_app_session_change", args=[session.pk])

    page = signed_in(operator).get(address, headers={"Accept-Language": "zh-hans"})

    assert "最近的计划" in page.content.decode()

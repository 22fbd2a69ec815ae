"""What people learn and get by way of sessions: never more than they hold."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from sessions_app.models import Session
from threadhub.kernel import clock
from threadhub.kernel.people import keys
from threadhub.kernel.rbac import grants, roles
from threads_app.models import Thread

pytestmark = pytest.mark.both_databases

BODY = {
    "title": "Audit",
    "threads": [
        {"name": "inventory", "assistant_id": "task"},
        {"name": "report", "assistant_id": "task", "input": {"ask": True}},
    ],
    "dependencies": [{"from": "inventory", "to": "report"}],
}


def client_of(user: Any) -> Client:
    return Client(headers={"X-Api-Key": keys.create(user=user, name="", now=clock.now())})


@pytest.fixture
def api(person: Any, project: Any) -> Client:
    return client_of(person)


@pytest.fixture
def stranger(project: Any) -> Client:
    return client_of(get_user_model().objects.create_user("stranger"))


@pytest.fixture
def session(api: Client) -> dict[str, Any]:
    return post(api, "/sessions", BODY).json()


def post(client: Client, path: str, body: Any = None) -> Any:
    return client.post(f"/api{path}", body or {}, content_type="application/json")


def test_whoever_may_run_and_not_read_a_session_is_shown_no_outputs(
    api: Client, stranger: Client, session: dict[str, Any], work: Callable[[], int]
) -> None:
    root = get_user_model().objects.create_superuser("root")
    roles.create(name="trigger", permissions=["execute"], actor=root)
    to, on = get_user_model().objects.get(username="stranger"), Session.objects.get()
    grants.grant(role="trigger", to=to, on=on, actor=root, now=clock.now())
    started = post(stranger, f"/sessions/{session['session_id']}/plans")
    work()

    shown = api.get(f"/api{started['Location']}").json()["nodes"]
    cancelled = post(stranger, f"{started['Location']}/cancel").json()["nodes"]

    assert [node["output"] is None for node in shown] == [False, True]
    assert {node["output"] for node in cancelled} == {None}
    assert {node["reason"] for node in cancelled} == {""}


def test_a_session_that_needs_a_thread_is_named_to_those_only_who_see_it(
    stranger: Client, session: dict[str, Any]
) -> None:
    thread = Thread.objects.get(public_id=session["threads"][0]["thread_id"])
    root = get_user_model().objects.create_superuser("root")
    friend = get_user_model().objects.get(username="stranger")
    grants.grant(role="owner", to=friend, on=thread, actor=root, now=clock.now())

    refused = stranger.delete(f"/api/threads/{thread.public_id}")

    assert (refused.status_code, refused.json()["code"]) == (409, "member_of_session")
    assert "Audit" not in refused.json()["detail"]
    assert session["threads"][0]["name"] not in refused.json()["detail"]


@pytest.mark.parametrize(
    ("role", "days", "status"),
    [("owner", None, 201), ("owner", 1, 403), ("manager", None, 403)],
)
def test_a_session_gives_nobody_more_than_they_hold_on_a_thread(
    person: Any, api: Client, stranger: Client, role: str, days: int | None, status: int
) -> None:
    thread = Thread.objects.get(public_id=post(stranger, "/threads").json()["thread_id"])
    root, now = get_user_model().objects.create_superuser("root"), clock.now()
    roles.create(name="manager", permissions=["manage"], actor=root)
    until = now + timedelta(days=days) if days else None
    grants.grant(role=role, to=person, on=thread, actor=root, now=now, until=until)
    member = {"name": "a", "type": "reference", "thread_id": thread.public_id}
    own = post(api, "/sessions").json()["session_id"]

    created = post(api, "/sessions", {"threads": [member]})
    added = post(api, f"/sessions/{own}/threads", member)

    assert (created.status_code, added.status_code) == (status, status)
    assert Session.objects.count() == (2 if status == 201 else 1)

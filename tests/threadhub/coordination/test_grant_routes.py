"""Sharing by the API: grant, list, revoke, and why somebody may do what."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from channels.db import database_sync_to_async
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.test import Client

from sessions_app.models import Session, SessionThreadAssociation
from threadhub.kernel import clock
from threadhub.kernel.acts import act
from threadhub.kernel.api import sse
from threadhub.kernel.ids import new_id
from threadhub.kernel.rbac import derive, grants
from threadhub.kernel.rbac.models import GlobalGrant, RoleGrant
from threadhub.kernel.streams import log, wakeups
from threads_app.models import Thread
from threads_app.services import threads

pytestmark = pytest.mark.django_db

Api = Callable[..., Any]


@pytest.fixture
def people() -> dict[str, Any]:
    users = get_user_model().objects
    made = {name: users.create_user(name) for name in ("owner", "ada", "bob")}
    return {**made, "root": users.create_superuser("root")}


@pytest.fixture
def api(people: dict[str, Any]) -> Api:
    """Send a request as somebody."""

    def ask(who: str, method: str, path: str, body: Any = None) -> Any:
        client = Client()
        client.force_login(people[who])
        sent = {"data": body, "content_type": "application/json"} if body is not None else {}
        return getattr(client, method)(f"/api/{path}", **sent)

    return ask


@pytest.fixture
def thread(people: dict[str, Any]) -> Thread:
    return threads.create(actor=people["owner"], now=clock.now())


@pytest.fixture
def session(people: dict[str, Any], thread: Thread) -> Session:
    """A session of the owner's with the thread in it."""
    public_id, now = new_id(), clock.now()
    made = Session.objects.create(
        public_id=public_id,
        owner=people["owner"],
        stream=log.open_stream(key=f"session:{public_id}"),
        created_at=now,
        updated_at=now,
    )
    with act("session.add_thread"):
        SessionThreadAssociation.objects.create(
            session=made, thread=thread, thread_name="main", created_at=now, updated_at=now
        )
        derive.refresh_objects(thread_ids=[thread.pk])
    return made


def places(thread: Thread, session: Session) -> list[str]:
    return [f"threads/{thread.public_id}", f"sessions/{session.public_id}"]


def test_a_grant_is_given_listed_and_taken_away(api: Api, thread: Thread, session: Session) -> None:
    for place in places(thread, session):
        until = (clock.now() + timedelta(days=1)).isoformat()
        body = {"role": "viewer", "user": "ada", "until": until, "reason": "to look"}
        made = api("owner", "post", f"{place}/grants", body)
        assert made.status_code == 201
        assert (made.json()["user"], made.json()["grantor"]) == ("ada", "owner")
        assert api("ada", "get", f"{place}/grants").json() == [made.json()]

        gone = api("owner", "delete", f"{place}/grants/{made.json()['id']}")
        assert gone.status_code == 204
        assert api("ada", "get", f"{place}/grants").status_code == 404
        assert api("owner", "get", f"{place}/grants").json() == []


def test_a_group_is_granted_by_its_name(api: Api, people: dict[str, Any], thread: Thread) -> None:
    people["ada"].groups.add(Group.objects.create(name="analysts"))
    body = {"role": "editor", "group": "analysts"}
    made = api("owner", "post", f"threads/{thread.public_id}/grants", body)

    assert (made.status_code, made.json()["group"]) == (201, "analysts")
    assert api("ada", "patch", f"threads/{thread.public_id}", {"title": "x"}).status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"role": "boss", "user": "ada"}, "role"),
        ({"role": "viewer", "user": "nobody-of-that-name"}, "user"),
        ({"role": "viewer", "group": "nobody-of-that-name"}, "group"),
        ({"role": "viewer"}, "user"),
        ({"role": "viewer", "user": "ada", "group": "analysts"}, "user"),
        ({"role": "viewer", "user": "ada", "until": "2001-01-01T00:00:00Z"}, "until"),
        ({"role": "viewer", "user": "ada", "until": "tomorrow"}, "until"),
        # Taken for nothing, it would give a right without an end.
        ({"role": "viewer", "user": "ada", "untill": "2100-01-01T00:00:00Z"}, "untill"),
    ],
)
def test_what_makes_no_sense_is_said_by_field(
    api: Api, thread: Thread, body: dict[str, Any], field: str
) -> None:
    answer = api("owner", "post", f"threads/{thread.public_id}/grants", body)

    assert (answer.status_code, list(answer.json()["fields"])) == (422, [field])
    assert not RoleGrant.objects.exists()


def test_without_manage_names_are_not_told_apart(
    api: Api, people: dict[str, Any], thread: Thread
) -> None:
    place = f"threads/{thread.public_id}"
    grants.grant(role="viewer", to=people["ada"], on=thread, actor=people["owner"], now=clock.now())
    for name in ("bob", "nobody-of-that-name"):
        body = {"role": "viewer", "user": name}
        asked = [
            api("ada", "post", f"{place}/grants", body),
            api("ada", "get", f"{place}/access?user={name}"),
        ]
        assert [answer.status_code for answer in asked] == [403, 403]
        assert api("bob", "get", f"{place}/access?user={name}").status_code == 404


def test_a_grant_is_revoked_only_where_it_was_given(
    api: Api, people: dict[str, Any], thread: Thread
) -> None:
    other = threads.create(actor=people["bob"], now=clock.now())
    given = grants.grant(
        role="viewer", to=people["ada"], on=thread, actor=people["owner"], now=clock.now()
    )

    assert api("bob", "delete", f"threads/{other.public_id}/grants/{given.pk}").status_code == 404
    assert RoleGrant.objects.filter(pk=given.pk).exists()


class TestWhy:
    def test_every_reason_is_named(
        self, api: Api, people: dict[str, Any], thread: Thread, session: Session
    ) -> None:
        ada, now = people["ada"], clock.now()
        group = Group.objects.create(name="analysts")
        ada.groups.add(group)
        granted = {"actor": people["owner"], "now": now}
        grants.grant(role="viewer", to=ada, on=thread, reason="to look", **granted)
        grants.grant(role="operator", to=group, on=session, **granted)
        grants.grant(role="owner", to=ada, on=thread, starts_at=now + timedelta(days=1), **granted)
        answer = api("owner", "get", f"threads/{thread.public_id}/access?user=ada").json()

        assert answer["permissions"] == ["view", "read", "execute"]
        direct, inherited = answer["reasons"]
        assert (direct["kind"], direct["role"], direct["reason"]) == ("grant", "viewer", "to look")
        assert (direct["group"], direct["session_id"]) == (None, None)
        assert (inherited["role"], inherited["group"]) == ("operator", "analysts")
        assert inherited["session_id"] == str(session.public_id)
        assert inherited["grantor"] == "owner"

    def test_owners_superusers_and_staff_are_reasons_too(
        self, api: Api, people: dict[str, Any], thread: Thread, session: Session
    ) -> None:
        people["bob"].is_staff = True
        people["bob"].save()
        path = f"threads/{thread.public_id}/access"
        kinds = {
            who: [reason["kind"] for reason in api(who, "get", path).json()["reasons"]]
            for who in ("owner", "root", "bob")
        }

        assert kinds == {
            "owner": ["owner"],
            "root": ["superuser", "staff"],
            "bob": ["staff"],
        }

    def test_nothing_gives_a_stranger_anything(self, api: Api, thread: Thread) -> None:
        answer = api("owner", "get", f"threads/{thread.public_id}/access?user=bob").json()

        assert answer == {"user": "bob", "permissions": [], "reasons": []}

    def test_auditors_may_ask_about_everybody(
        self, api: Api, people: dict[str, Any], thread: Thread
    ) -> None:
        made = api("root", "post", "grants", {"role": "auditor", "user": "bob"})
        answer = api("bob", "get", f"threads/{thread.public_id}/access?user=owner")

        assert made.status_code == 201
        assert answer.json()["permissions"][-1] == "manage"


def test_roles_everywhere_are_given_and_taken_by_superusers(api: Api) -> None:
    made = api("root", "post", "grants", {"role": "auditor", "user": "ada"}).json()

    assert api("ada", "get", "grants").json() == [made]
    assert api("bob", "get", "grants").status_code == 403
    assert api("ada", "post", "grants", {"role": "owner", "user": "ada"}).status_code == 403
    assert api("ada", "delete", f"grants/{made['id']}").status_code == 403
    assert api("root", "delete", f"grants/{made['id']}").status_code == 204
    assert api("root", "delete", f"grants/{made['id']}").status_code == 404
    assert not GlobalGrant.objects.exists()


def test_what_is_revoked_on_a_session_is_noticed_by_who_watches_its_threads_in_any_process(
    people: dict[str, Any],
    thread: Thread,
    session: Session,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    given = grants.grant(
        role="viewer", to=people["ada"], on=session, actor=people["owner"], now=clock.now()
    )
    told: set[int | str] = set()
    monkeypatch.setattr(wakeups, "announce", told.add)

    with django_capture_on_commit_callbacks(execute=True):
        grants.revoke(grant=given, actor=people["owner"])

    assert told == {session.stream_id, thread.stream_id, "access"}


@pytest.mark.django_db(transaction=True)
def test_whoever_lost_the_right_to_a_session_is_not_told_of_it(
    people: dict[str, Any], session: Session
) -> None:
    given = grants.grant(
        role="viewer", to=people["ada"], on=session, actor=people["owner"], now=clock.now()
    )
    request: Any = SimpleNamespace(user=people["ada"], auth=None)
    subject = sse.Subject(
        stream_id=session.stream_id,
        is_over=lambda: False,
        may_watch=sse.may_watch(request, session, "read"),
    )

    async def shown() -> list[bytes]:
        async with aclosing(sse.frames(subject, after=0)) as frames:
            await anext(frames)
            found = [await anext(frames)]
            await database_sync_to_async(grants.revoke)(grant=given, actor=people["owner"])
            found += [frame async for frame in frames]
        return found

    first, *rest = async_to_sync(shown)()

    assert b"access.changed" in first
    assert [b"NotVisible" in frame for frame in rest] == [True]

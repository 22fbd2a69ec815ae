"""The tab Access: who can do what here and why, what a grant would change, and giving it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

from threadhub.kernel import acts, clock
from threadhub.kernel.rbac import everywhere, grants, holders
from threadhub.kernel.rbac.models import RoleGrant
from threads_app.models import Thread
from threads_app.services import threads

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]

Open = Callable[[Any], Any]


@pytest.fixture
def thread(owner: Any) -> Thread:
    """A thread that has not run; access is about the row alone."""
    return threads.create(actor=owner, now=clock.now(), title="Renewal")


@pytest.fixture
def crew(owner: Any) -> Group:
    """A group of two."""
    group = Group.objects.create(name="Crew")
    for name in ("cora", "cyril"):
        get_user_model().objects.create_user(name).groups.add(group)
    return group


def test_managers_see_everybody_and_through_what(
    pages: Open,
    owner: Any,
    thread: Thread,
    crew: Group,
    share: Callable[[str, str], Any],
    query_counts: Callable[[str], AbstractContextManager],
) -> None:
    share("editor", "eda")
    now = clock.now()
    grants.grant(role="operator", to=crew, on=thread, actor=owner, now=now, reason="Night shift")
    grants.grant(
        role="viewer",
        to=get_user_model().objects.get(username="cora"),
        on=thread,
        actor=owner,
        now=now,
        starts_at=now + timedelta(days=2),
    )
    opened = pages(owner)

    with query_counts("console: access of a thread"):
        text = opened.text("access")

    for told in ("eda", "Crew", "operator, here", "Night shift", "From 20", "You own this thread"):
        assert told in text


def test_a_grant_that_ended_is_marked(
    pages: Open, owner: Any, thread: Thread, share: Callable[[str, str], Any]
) -> None:
    share("editor", "eda")
    past = clock.now() - timedelta(days=1)
    with acts.act("test.arrange"):
        RoleGrant.objects.filter(thread=thread).update(
            starts_at=past - timedelta(days=1), ends_at=past
        )

    assert "Ended 20" in pages(owner).text("access")


def test_others_see_only_their_own_reasons(
    pages: Open, stranger: Any, share: Callable[[str, str], Any]
) -> None:
    viewer = share("viewer", "vera")
    share("editor", "eda")
    opened = pages(viewer)

    text = opened.text("access")

    assert "You are viewer here." in text and "granted by olga" in text
    assert "eda" not in text and "Add access" not in text
    refused = [opened.get(name).status_code for name in ("access_grant", "access_revoke")]
    refused += [opened.get("access_people", name="e").status_code]
    refused += [opened.post(name).status_code for name in ("access_grant", "access_revoke")]
    assert refused == [403] * 5
    assert pages(stranger).get("access").status_code == 404
    assert pages(stranger).get("access_people", name="e").status_code == 404


def test_auditors_see_everybody_and_change_nothing(
    pages: Open, share: Callable[[str, str], Any], owner: Any
) -> None:
    share("editor", "eda")
    root = get_user_model().objects.create_user("root", is_superuser=True)
    auditor = get_user_model().objects.create_user("audrey")
    everywhere.grant_everywhere(role="auditor", to=auditor, actor=root, now=clock.now())

    text = pages(auditor).text("access")

    assert "eda" in text and "auditor, everywhere" in text
    assert "Revoke" not in text and "Add access" not in text


def test_the_effect_is_shown_before_anything_is_saved(
    pages: Open, owner: Any, thread: Thread, crew: Group
) -> None:
    cora = get_user_model().objects.get(username="cora")
    grants.grant(role="editor", to=cora, on=thread, actor=owner, now=clock.now())
    asked = {"kind": "group", "name": "Crew", "role": "operator"}

    text = pages(owner).text("access_grant", **asked)

    assert "Crew becomes operator on this thread, without an end." in text
    assert "1 person gains" in text and "View, Read, Run" in text
    assert "1 person had it already." in text and "Nobody loses" in text
    assert RoleGrant.objects.filter(group=crew).count() == 0


def test_a_role_is_given(pages: Open, owner: Any, thread: Thread, crew: Group) -> None:
    form = {"kind": "user", "name": "cora", "role": "viewer", "until": "2100-01-31T10:00"}

    opened = pages(owner)

    answer = opened.post("access_grant", **form, reason="Ticket 9")

    given = RoleGrant.objects.get(thread=thread)
    assert answer.status_code == 303
    assert (given.user.get_username(), given.role.name, given.reason) == (
        "cora",
        "viewer",
        "Ticket 9",
    )
    assert f"{given.ends_at:%Y-%m-%d %H:%M}" == "2100-01-31 10:00"
    assert "cora is viewer here now." in opened.text("access")


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"name": "nobody", "role": "viewer"}, "There is no user"),
        ({"name": "cora", "role": "king"}, "There is no role"),
        ({"name": "cora", "role": "viewer", "until": "2001-01-01T10:00"}, "ended already"),
        ({"name": "cora", "role": "viewer", "until": "soon"}, "Enter a valid date"),
        ({"name": "", "role": "viewer"}, "This field is required"),
        ({"kind": "group", "name": "Nowhere", "role": "viewer"}, "There is no group"),
        ({"kind": "robot", "name": "cora", "role": "viewer"}, ""),
    ],
)
def test_a_refusal_stands_beside_its_field(
    pages: Open, owner: Any, thread: Thread, crew: Group, form: dict[str, str], told: str
) -> None:
    opened = pages(owner)
    form = {"kind": "user", "reason": "typed reason", **form}

    answer, preview = opened.post("access_grant", **form), opened.get("access_grant", **form)

    assert (answer.status_code, preview.status_code) == (422, 200)
    for text in (answer.content.decode(), preview.content.decode()):
        assert told in text and "typed reason" in text
    assert not RoleGrant.objects.filter(thread=thread).exists()


def test_nobody_gives_more_than_they_hold(
    pages: Open, owner: Any, thread: Thread, crew: Group
) -> None:
    cora = get_user_model().objects.get(username="cora")
    until = clock.now() + timedelta(days=1)
    grants.grant(role="owner", to=cora, on=thread, actor=owner, now=clock.now(), until=until)
    form = {"kind": "user", "name": "cyril", "role": "owner"}

    answer = pages(cora).post("access_grant", **form)

    assert answer.status_code == 403
    text = answer.content.decode()
    assert "grant-role-error" in text and "grant no longer than that" in text


def test_taking_a_grant_away_shows_who_loses_what(
    pages: Open, owner: Any, thread: Thread, crew: Group
) -> None:
    now = clock.now()
    given = grants.grant(role="operator", to=crew, on=thread, actor=owner, now=now)
    cora = get_user_model().objects.get(username="cora")
    grants.grant(role="editor", to=cora, on=thread, actor=owner, now=now)
    opened = pages(owner)

    text = opened.text("access_revoke", grant=given.pk)
    answer = opened.post("access_revoke", grant=given.pk, reason="Over")

    assert "1 person loses" in text and "cyril" in text
    assert "1 person keeps the same by other grants." in text
    assert answer.status_code == 303
    assert not RoleGrant.objects.filter(pk=given.pk).exists()
    assert opened.post("access_revoke", grant=given.pk).status_code == 404


@pytest.mark.parametrize("key", ["", "x", "0", "99999999999999999999", "²"])
def test_a_grant_that_is_not_there_is_not_found(pages: Open, owner: Any, key: str) -> None:
    assert pages(owner).get("access_revoke", grant=key).status_code == 404
    assert pages(owner).post("access_revoke", grant=key).status_code == 404


def test_a_grant_of_another_thread_is_not_found(pages: Open, owner: Any, crew: Group) -> None:
    other = threads.create(actor=owner, now=clock.now())
    given = grants.grant(role="viewer", to=crew, on=other, actor=owner, now=clock.now())

    assert pages(owner).post("access_revoke", grant=given.pk).status_code == 404


def test_names_are_completed_for_managers(pages: Open, owner: Any, crew: Group) -> None:
    opened = pages(owner)

    assert 'value="cora"' in opened.text("access_people", kind="user", name="co")
    assert 'value="Crew"' in opened.text("access_people", kind="group", name="cr")
    assert "<option" not in opened.text("access_people", kind="user", name="")


def test_holders_agree_with_what_the_door_says(owner: Any, thread: Thread, crew: Group) -> None:
    now = clock.now()
    grants.grant(role="operator", to=crew, on=thread, actor=owner, now=now)
    given = holders.Holding(kind="grant", subject=crew, permissions=("view", "manage"), role="odd")

    effect = holders.of_grant(holders.on(thread), given, now=now)

    assert {person.get_username(): more for person, more in effect.gains.items()} == {
        "cora": ["manage"],
        "cyril": ["manage"],
    }

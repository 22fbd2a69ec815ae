"""Lists, single questions and Django's has_perm agree with the grants, in random worlds.

RIGHTS_EXAMPLES=2000 makes it the long form.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import hypothesis
import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.db import transaction
from hypothesis import given, settings

from services import rights_worlds
from services.rights_worlds import Grant, Person, World
from sessions_app.models import Session, SessionThreadAssociation
from threadhub.kernel import clock
from threadhub.kernel.acts import act
from threadhub.kernel.rbac import access, derive, everywhere, grants, held, roles
from threadhub.kernel.rbac.actions import ACTIONS
from threadhub.kernel.rbac.models import Role, RoleGrant
from threads_app.models import ThreadGroupPermission, ThreadUserPermission
from threads_app.services import threads

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

EXAMPLES = int(os.environ.get("RIGHTS_EXAMPLES", "20"))
HOUR = timedelta(hours=1)


class Stage:
    """People and things that each world is built from, and taken down again."""

    def __init__(self, new_session: Callable[[Any], Session]) -> None:
        people = get_user_model().objects
        self.now = clock.now()
        self.root = people.create_superuser("root")
        self.people = [people.create_user(f"p{n}") for n in range(rights_worlds.PEOPLE)]
        self.groups = [Group.objects.create(name=f"g{n}") for n in range(rights_worlds.GROUPS)]
        self.roles = [
            roles.create(name=f"r{n}", permissions=["view"], actor=self.root)
            for n in range(rights_worlds.ROLES)
        ]
        self.things: dict[str, list[Any]] = {
            "thread": [
                threads.create(actor=self.root, now=self.now) for _ in range(rights_worlds.THREADS)
            ],
            "session": [new_session(self.root) for _ in range(rights_worlds.SESSIONS)],
        }

    def build(self, world: World) -> None:
        with act("test.owners"):
            for kind, owners in (
                ("thread", world.thread_owners),
                ("session", world.session_owners),
            ):
                for thing, owner in zip(self.things[kind], owners, strict=True):
                    type(thing).objects.filter(pk=thing.pk).update(owner=self.people[owner])
        self._join({place: first for place, (first, _) in world.members.items()})
        self._grant(world)
        self._join({place: last for place, (_, last) in world.members.items()})
        self._edit(world)
        self._live_on(world)
        self._settle_people(world)

    def _join(self, members: dict[tuple[int, int], bool]) -> None:
        with act("test.members"):
            for (session, thread), is_active in members.items():
                SessionThreadAssociation.objects.update_or_create(
                    session=self.things["session"][session],
                    thread=self.things["thread"][thread],
                    defaults={
                        "thread_name": f"t{thread}",
                        "is_active": is_active,
                        "created_at": self.now,
                        "updated_at": self.now,
                    },
                )
            derive.refresh_objects(thread_ids=[thing.pk for thing in self.things["thread"]])

    def _grant(self, world: World) -> None:
        for role, given_first in zip(self.roles, world.roles, strict=True):
            roles.change(role=role, permissions=given_first, actor=self.root)
        self.given = [self._one(number, one) for number, one in enumerate(world.grants)]

    def _one(self, number: int, one: rights_worlds.Grant) -> Any:
        kind, who = one.subject
        asked = {
            "role": self.roles[one.role].name,
            "to": (self.people if kind == "user" else self.groups)[who],
            "actor": self.root,
            "now": self.now - 2 * HOUR,
            "starts_at": self.now + HOUR if one.time in {"future", "begun"} else None,
            # An end of its own, by which the rows that follow from it are found.
            "until": self.now + timedelta(seconds=100 + number) if one.time == "ended" else None,
        }
        if one.target[0] == "everywhere":
            return everywhere.grant_everywhere(**asked)
        return grants.grant(**asked, on=self.things[one.target[0]][one.target[1]])

    def _edit(self, world: World) -> None:
        for role, wanted in zip(self.roles, world.edited, strict=True):
            roles.change(role=role, permissions=wanted, actor=self.root)

    def _live_on(self, world: World) -> None:
        """Revoke, and let time pass: ends and starts come to lie in the past."""
        past = self.now - timedelta(minutes=1)
        with act("test.time"):
            for made, one in zip(self.given, world.grants, strict=True):
                mine = type(made).objects.filter(pk=made.pk)
                if one.time == "ended":
                    mine.update(ends_at=past)
                    _end_rows(made.ends_at, past)
                elif one.time == "begun":
                    mine.update(starts_at=past)
        grants.begin_due(self.now)
        for made, one in zip(self.given, world.grants, strict=True):
            if one.is_revoked and isinstance(made, RoleGrant):
                grants.revoke(grant=made, actor=self.root)
            elif one.is_revoked:
                everywhere.revoke_everywhere(grant=made, actor=self.root)

    def _settle_people(self, world: World) -> None:
        everything = Permission.objects.filter(content_type__app_label__endswith="s_app")
        for user, person in zip(self.people, world.people, strict=True):
            user.groups.set([self.groups[number] for number in person.groups])
            user.user_permissions.set(everything if person.has_model_permissions else [])
            flags = ("is_active", "is_staff", "is_superuser")
            get_user_model().objects.filter(pk=user.pk).update(
                **{name: getattr(person, name) for name in flags}
            )


def _end_rows(end: Any, past: Any) -> None:
    tables = (
        *(ThreadUserPermission, ThreadGroupPermission),
        *(Session.sessionuserpermission_set.rel.related_model,),
        *(Session.sessiongrouppermission_set.rel.related_model,),
    )
    for table in tables:
        table.objects.filter(until=end).update(until=past)


@pytest.fixture
def stage(new_hub_session: Callable[[Any], Session]) -> Stage:
    return Stage(new_hub_session)


def agree(stage: Stage, world: World) -> None:
    """Compare the three ways to ask with what the rules say, for everybody and everything."""
    for who, known in enumerate(stage.people):
        user = get_user_model().objects.get(pk=known.pk)
        for kind, things in stage.things.items():
            may = {
                thing.pk: rights_worlds.expected(world, who, (kind, number))
                for number, thing in enumerate(things)
            }
            for action in ACTIONS:
                visible = type(things[0]).objects.visible_to(user, action)
                should = {pk for pk, actions in may.items() if action in actions}
                assert set(visible.values_list("pk", flat=True)) == should
            permission = f"{things[0]._meta.app_label}.{world.asked}_{kind}"
            should = {pk for pk, actions in may.items() if world.asked in actions}
            assert {one.pk for one in things if access.can(user, world.asked, one)} == should
            assert {one.pk for one in things if user.has_perm(permission, one)} == should


def test_what_people_see_is_what_they_may_do_by_the_grants(stage: Stage, seed: int) -> None:
    @hypothesis.seed(seed)
    @settings(max_examples=EXAMPLES, database=None, report_multiple_bugs=False)
    @given(world=rights_worlds.worlds)
    def check(world: World) -> None:
        with transaction.atomic():
            stage.build(world)
            with held.remembering():
                agree(stage, world)
            transaction.set_rollback(True)

    check()


def test_a_role_edited_without_deriving_is_found(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = roles.change

    def change_only(**asked: Any) -> Role:
        with monkeypatch.context() as patch:
            patch.setattr(derive, "refresh_objects", lambda **_: None)
            return change(**asked)

    monkeypatch.setattr(roles, "change", change_only)
    granted = Grant(
        role=0, subject=("user", 1), target=("session", 0), time="now", is_revoked=False
    )
    nobody = Person(
        is_active=True,
        is_staff=False,
        is_superuser=False,
        groups=frozenset(),
        has_model_permissions=False,
    )
    world = World(
        people=[nobody] * rights_worlds.PEOPLE,
        roles=[frozenset({"read"})] * rights_worlds.ROLES,
        edited=[frozenset({"write"})] * rights_worlds.ROLES,
        thread_owners=[0] * rights_worlds.THREADS,
        session_owners=[0] * rights_worlds.SESSIONS,
        members={(0, 0): (True, True)},
        grants=[granted],
        asked="read",
    )
    stage.build(world)
    with pytest.raises(AssertionError):
        agree(stage, world)

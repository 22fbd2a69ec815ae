"""Roles are granted, changed, begun and revoked; rights follow in the same transaction."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group

from sessions_app.models import Session
from threadhub.kernel import clock
from threadhub.kernel.acts import act
from threadhub.kernel.audit.models import AuditEntry
from threadhub.kernel.errors import Invalid, NotAllowed, NotVisible
from threadhub.kernel.rbac import access, derive, everywhere, grants, roles
from threadhub.kernel.rbac.models import GlobalGrant, Role, RoleGrant
from threadhub.kernel.streams.models import StreamEvent
from threads_app.models import Thread, ThreadUserPermission

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

HOUR = timedelta(hours=1)


@pytest.fixture
def now() -> datetime:
    return clock.now()


def held(user: Any, on: Any) -> set[str]:
    return set(access.held(user, on))


def epoch(user: Any) -> int:
    user.profile.refresh_from_db()
    return int(user.profile.access_epoch)


def pass_time(given: RoleGrant, *, by: timedelta) -> None:
    """Move everything of a grant into the past, as time does."""
    moved = {"ends_at": given.ends_at - by} if given.ends_at else {}
    with act("test.pass_time"):
        RoleGrant.objects.filter(pk=given.pk).update(starts_at=given.starts_at - by, **moved)
        rows = ThreadUserPermission.objects.filter(until=given.ends_at)
        rows.update(until=moved.get("ends_at"))


class TestGranting:
    def test_a_role_on_a_thread_gives_its_permissions_there_and_nowhere_else(
        self, owner: Any, ada: Any, thread: Thread, session: Session, now: datetime
    ) -> None:
        grants.grant(role="operator", to=ada, on=thread, actor=owner, now=now, reason="help")

        assert held(ada, thread) == {"view", "read", "execute"}
        assert held(ada, session) == set()
        assert ada.has_perm("threads_app.execute_thread", thread)
        assert not ada.has_perm("threads_app.delete_thread", thread)
        assert ada.get_all_permissions(thread) == {
            "threads_app.view_thread",
            "threads_app.read_thread",
            "threads_app.execute_thread",
        }

    def test_it_is_told_to_the_audit_the_stream_and_the_person(
        self, owner: Any, ada: Any, thread: Thread, now: datetime
    ) -> None:
        before = epoch(ada)
        grants.grant(role="viewer", to=ada, on=thread, actor=owner, now=now, reason="to look")

        entry = AuditEntry.objects.get(act="access.grant")
        assert (entry.object_pk, entry.reason) == (str(thread.pk), "to look")
        assert entry.additional_data["user"] == "ada"
        assert entry.additional_data["by"] == "owner"
        event = StreamEvent.objects.get(stream=thread.stream_id, kind="access.changed")
        assert (event.payload["change"], event.payload["role"]) == ("granted", "viewer")
        assert epoch(ada) == before + 1

    def test_the_same_role_again_changes_when_it_ends(
        self, owner: Any, ada: Any, thread: Thread, now: datetime
    ) -> None:
        ending = now + HOUR
        first = grants.grant(role="viewer", to=ada, on=thread, actor=owner, now=now, until=ending)
        second = grants.grant(role="viewer", to=ada, on=thread, actor=owner, now=now)

        assert (first.pk, second.ends_at) == (second.pk, None)
        assert set(ThreadUserPermission.objects.values_list("until", flat=True)) == {None}

    def test_overlapping_grants_add_up_and_the_latest_end_counts(
        self, owner: Any, ada: Any, thread: Thread, now: datetime
    ) -> None:
        long = now + 2 * HOUR
        grants.grant(role="viewer", to=ada, on=thread, actor=owner, now=now, until=long)
        short = grants.grant(
            role="operator", to=ada, on=thread, actor=owner, now=now, until=now + HOUR
        )
        ends = ThreadUserPermission.objects.values_list("permission__codename", "until")

        assert dict(ends) == {
            "view_thread": long,
            "read_thread": long,
            "execute_thread": short.ends_at,
        }
        grants.revoke(grant=short, actor=owner)
        assert held(ada, thread) == {"view", "read"}

    def test_an_ended_grant_gives_nothing_without_any_job(
        self, owner: Any, ada: Any, thread: Thread, now: datetime
    ) -> None:
        given = grants.grant(
            role="viewer", to=ada, on=thread, actor=owner, now=now, until=now + HOUR
        )
        assert held(ada, thread) == {"view", "read"}

        pass_time(given, by=2 * HOUR)

        assert ThreadUserPermission.objects.count() == 2
        assert held(ada, thread) == set()

    def test_a_grant_that_starts_later_is_begun_by_the_tick(
        self, owner: Any, ada: Any, thread: Thread, now: datetime
    ) -> None:
        given = grants.grant(
            role="viewer", to=ada, on=thread, actor=owner, now=now, starts_at=now + HOUR
        )
        assert grants.begin_due(now) == 0
        assert held(ada, thread) == set()

        pass_time(given, by=2 * HOUR)

        assert grants.begin_due(now) == 1
        assert grants.begin_due(now) == 0
        assert held(ada, thread) == {"view", "read"}

    def test_an_idle_tick_costs_one_query_and_writes_nothing(
        self, now: datetime, django_assert_num_queries: Any
    ) -> None:
        with django_assert_num_queries(1):
            grants.begin_due(now)

    def test_a_group_gives_to_whoever_is_in_it(
        self, owner: Any, ada: Any, thread: Thread, group: Group, now: datetime
    ) -> None:
        grants.grant(role="editor", to=group, on=thread, actor=owner, now=now)
        assert held(ada, thread) == set()

        ada.groups.add(group)
        assert held(ada, thread) == {"view", "read", "write", "execute"}
        assert epoch(ada) == 1
        assert "analysts" in str(AuditEntry.objects.latest("id").changes)

        group.user_set.clear()
        assert held(ada, thread) == set()
        assert epoch(ada) == 2

    def test_a_deleted_group_takes_its_rights_along(
        self, owner: Any, ada: Any, thread: Thread, group: Group, now: datetime
    ) -> None:
        ada.groups.add(group)
        grants.grant(role="viewer", to=group, on=thread, actor=owner, now=now)
        grants.grant(role="operator", to=ada, on=thread, actor=owner, now=now)
        group.delete()

        assert held(ada, thread) == {"view", "read", "execute"}
        assert RoleGrant.objects.count() == 1

    def test_a_deactivated_person_holds_nothing(
        self, owner: Any, ada: Any, thread: Thread, now: datetime
    ) -> None:
        grants.grant(role="owner", to=ada, on=thread, actor=owner, now=now)
        before = epoch(ada)
        ada.is_active = False
        ada.save()

        assert held(ada, thread) == set()
        assert epoch(ada) == before + 1


class TestRefusals:
    @pytest.fixture
    def manager(self, owner: Any, person: Callable[..., Any], thread: Thread, now: datetime) -> Any:
        """Somebody who may manage the thread for two hours, and not delete it."""
        user = person("manager")
        made = Role.objects.create(name="steward", permissions=["view", "read", "manage"])
        grants.grant(role=made.name, to=user, on=thread, actor=owner, now=now, until=now + 2 * HOUR)
        return user

    def test_without_manage_what_one_sees_is_forbidden_and_the_rest_is_hidden(
        self, owner: Any, ada: Any, thread: Thread, person: Callable[..., Any], now: datetime
    ) -> None:
        to = person("friend")
        with pytest.raises(NotVisible, match="There is no such thread"):
            grants.grant(role="viewer", to=to, on=thread, actor=ada, now=now)
        grants.grant(role="editor", to=ada, on=thread, actor=owner, now=now)
        with pytest.raises(NotAllowed, match="lack the permission to manage"):
            grants.grant(role="viewer", to=to, on=thread, actor=ada, now=now)
        with pytest.raises(NotAllowed, match="lack the permission to manage"):
            grants.revoke(grant=RoleGrant.objects.get(user=ada), actor=ada)

    def test_nobody_grants_more_than_they_hold(
        self, manager: Any, ada: Any, thread: Thread, now: datetime
    ) -> None:
        ending = now + HOUR
        with pytest.raises(grants.BeyondOwnRights, match="cannot grant write: you do not hold it"):
            grants.grant(role="owner", to=ada, on=thread, actor=manager, now=now, until=ending)
        grants.grant(role="viewer", to=ada, on=thread, actor=manager, now=now, until=ending)
        assert held(ada, thread) == {"view", "read"}

    @pytest.mark.parametrize("hours", [None, 3])
    def test_nor_for_longer(
        self, manager: Any, ada: Any, thread: Thread, now: datetime, hours: int | None
    ) -> None:
        until = now + hours * HOUR if hours else None
        with pytest.raises(grants.BeyondOwnRights, match="Your own right to view ends at"):
            grants.grant(role="viewer", to=ada, on=thread, actor=manager, now=now, until=until)
        assert RoleGrant.objects.filter(user=ada).count() == 0

    @pytest.mark.parametrize(
        ("start", "end", "why"), [(None, -1, "ended already"), (2, 1, "ends before it starts")]
    )
    def test_no_time_is_refused(
        self,
        owner: Any,
        ada: Any,
        thread: Thread,
        now: datetime,
        start: int | None,
        end: int,
        why: str,
    ) -> None:
        starts_at = now + start * HOUR if start else None
        with pytest.raises(Invalid, match=why):
            grants.grant(
                role="viewer",
                to=ada,
                on=thread,
                actor=owner,
                now=now,
                starts_at=starts_at,
                until=now + end * HOUR,
            )

    def test_an_unknown_role_is_told_the_known_ones(
        self, owner: Any, ada: Any, thread: Thread, now: datetime
    ) -> None:
        with pytest.raises(Invalid, match=r"auditor, editor, operator, owner, viewer\.$"):
            grants.grant(role="boss", to=ada, on=thread, actor=owner, now=now)

    def test_nobody_inactive_is_given_anything(
        self, owner: Any, person: Callable[..., Any], thread: Thread, now: datetime
    ) -> None:
        gone = person("gone", is_active=False)
        with pytest.raises(Invalid, match="gone is deactivated"):
            grants.grant(role="viewer", to=gone, on=thread, actor=owner, now=now)


class TestSessions:
    def test_rights_flow_to_active_members_while_they_are(
        self,
        owner: Any,
        ada: Any,
        thread: Thread,
        session: Session,
        join: Callable[..., Any],
        now: datetime,
    ) -> None:
        grants.grant(role="operator", to=ada, on=session, actor=owner, now=now)
        assert held(ada, thread) == set()

        member = join(session, thread)
        assert held(ada, thread) == held(ada, session) == {"view", "read", "execute"}

        member.is_active = False
        with act("session.deactivate_thread"):
            member.save()
            derive.refresh_objects(thread_ids=[thread.pk])
        assert held(ada, thread) == set()

    def test_a_session_s_owner_holds_everything_on_its_threads(
        self,
        ada: Any,
        thread: Thread,
        join: Callable[..., Any],
        new_hub_session: Callable[[Any], Session],
    ) -> None:
        hub_session = new_hub_session(ada)
        join(hub_session, thread)

        assert held(ada, thread) == {"view", "read", "write", "execute", "delete", "manage"}

    def test_revoking_on_the_session_leaves_what_was_granted_on_the_thread(
        self,
        owner: Any,
        ada: Any,
        thread: Thread,
        session: Session,
        join: Callable[..., Any],
        now: datetime,
    ) -> None:
        join(session, thread)
        given = grants.grant(role="editor", to=ada, on=session, actor=owner, now=now)
        grants.grant(role="viewer", to=ada, on=thread, actor=owner, now=now)
        grants.revoke(grant=given, actor=owner)

        assert held(ada, thread) == {"view", "read"}
        assert held(ada, session) == set()

    def test_a_session_that_goes_takes_what_it_gave_along(
        self,
        owner: Any,
        ada: Any,
        thread: Thread,
        session: Session,
        join: Callable[..., Any],
        now: datetime,
    ) -> None:
        join(session, thread)
        grants.grant(role="editor", to=ada, on=session, actor=owner, now=now)
        with act("session.delete"):
            session.delete()
            derive.refresh_objects(thread_ids=[thread.pk])

        assert held(ada, thread) == set()


class TestEverywhere:
    def test_a_role_everywhere_reaches_what_is_made_later(
        self, root: Any, ada: Any, owner: Any, session: Session, thread: Thread, now: datetime
    ) -> None:
        given = everywhere.grant_everywhere(role="auditor", to=ada, actor=root, now=now)
        assert held(ada, thread) == held(ada, session) == {"view"}

        everywhere.revoke_everywhere(grant=given, actor=root)
        assert held(ada, thread) == set()
        acts = AuditEntry.objects.filter(model_label="globalgrant").values_list("act", flat=True)
        assert set(acts) == {"access.grant_everywhere", "access.revoke_everywhere"}

    def test_only_superusers_give_and_take_it(
        self, root: Any, ada: Any, owner: Any, now: datetime
    ) -> None:
        with pytest.raises(NotAllowed, match="Only superusers"):
            everywhere.grant_everywhere(role="viewer", to=ada, actor=owner, now=now)
        given = everywhere.grant_everywhere(role="viewer", to=ada, actor=root, now=now)
        with pytest.raises(NotAllowed, match="Only superusers"):
            everywhere.revoke_everywhere(grant=given, actor=ada)
        assert GlobalGrant.objects.count() == 1


class TestRoles:
    def test_the_shipped_ones_are_there(self) -> None:
        shipped = Role.objects.filter(is_shipped=True).values_list("name", "permissions")

        assert {name: tuple(given) for name, given in shipped} == roles.SHIPPED

    def test_changing_a_role_changes_what_its_holders_may_do(
        self,
        root: Any,
        owner: Any,
        ada: Any,
        thread: Thread,
        session: Session,
        join: Callable[..., Any],
        now: datetime,
    ) -> None:
        join(session, thread)
        made = roles.create(name="helper", permissions=["execute"], actor=root)
        grants.grant(role="helper", to=ada, on=session, actor=owner, now=now)
        assert held(ada, thread) == {"view", "execute"}

        roles.change(role=made, permissions=["read", "view"], actor=root, reason="less")

        assert held(ada, thread) == held(ada, session) == {"view", "read"}
        entry = AuditEntry.objects.get(act="role.change")
        assert entry.additional_data["before"] == ["view", "execute"]

    def test_a_role_in_use_and_a_shipped_one_stay(
        self, root: Any, owner: Any, ada: Any, thread: Thread, now: datetime
    ) -> None:
        made = roles.create(name="helper", permissions=["read"], actor=root)
        given = grants.grant(role="helper", to=ada, on=thread, actor=owner, now=now)
        with pytest.raises(roles.RoleInUse, match="granted 1 times"):
            roles.delete(role=made, actor=root)
        with pytest.raises(roles.RoleInUse, match="ThreadHub's own"):
            roles.delete(role=roles.named("viewer"), actor=root)
        grants.revoke(grant=given, actor=owner)
        roles.delete(role=made, actor=root)

        assert not Role.objects.filter(name="helper").exists()

    def test_bad_roles_and_strangers_are_refused(self, root: Any, ada: Any) -> None:
        with pytest.raises(Invalid, match="some of: view, read"):
            roles.create(name="x", permissions=["fly"], actor=root)
        with pytest.raises(roles.RoleExists):
            roles.create(name="viewer", permissions=["read"], actor=root)
        with pytest.raises(NotAllowed, match="Only superusers"):
            roles.change(role=roles.named("viewer"), permissions=["manage"], actor=ada)

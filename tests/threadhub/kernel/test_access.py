"""The one door, and the wall around bulk writes."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser

from threadhub.kernel import audit, clock
from threadhub.kernel.acts import act
from threadhub.kernel.audit.models import AuditEntry
from threadhub.kernel.errors import NotVisible
from threadhub.kernel.models import UnrecordedChange
from threadhub.kernel.observability.redaction import MASK
from threadhub.kernel.rbac import access
from threadhub.kernel.rbac.querysets import ACTIONS
from threads_app.models import Thread
from threads_app.services import threads

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> dict[str, Any]:
    """Return an owner, another person, a superuser and a deactivated superuser."""
    users = get_user_model().objects
    return {
        "owner": users.create_user("owner"),
        "other": users.create_user("other"),
        "admin": users.create_superuser("admin"),
        "gone": users.create_superuser("gone", is_active=False),
        "nobody": AnonymousUser(),
    }


@pytest.fixture
def thread(people: dict[str, Any]) -> Thread:
    """Return the owner's thread."""
    return threads.create(actor=people["owner"], now=clock.now(), title="Mine")


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize(
    ("who", "allowed"),
    [("owner", True), ("admin", True), ("other", False), ("gone", False), ("nobody", False)],
)
def test_list_door_and_question_agree(
    people: dict[str, Any], thread: Thread, who: str, allowed: bool, action: Any
) -> None:
    user = people[who]

    assert access.can(user, action, thread) is allowed
    assert Thread.objects.visible_to(user, action).exists() is allowed
    if allowed:
        assert access.get(Thread.objects.all(), user=user, action=action, pk=thread.pk) == thread
    else:
        with pytest.raises(NotVisible, match="There is no such thread"):
            access.get(Thread.objects.all(), user=user, action=action, pk=thread.pk)


def test_an_unknown_permission_is_a_mistake(people: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no permission"):
        Thread.objects.visible_to(people["admin"], "own")  # type: ignore[arg-type]


def test_bulk_writes_need_an_act_or_a_listed_reason(thread: Thread) -> None:
    mine = Thread.objects.filter(pk=thread.pk)
    for attempt in (
        lambda: mine.update(title="x"),
        mine.delete,
        lambda: Thread.objects.bulk_update([thread], ["title"]),
        lambda: Thread.objects.bulk_create([]),
    ):
        with pytest.raises(UnrecordedChange):
            attempt()
    with pytest.raises(KeyError), audit.machinery("because"):
        pass

    with act("thread.rename"):
        assert mine.update(title="x") == 1
    with audit.machinery("lease"):
        assert mine.update(run_count=3) == 1


def test_field_changes_and_acts_name_who_acted_and_hide_secrets(people: dict[str, Any]) -> None:
    owner = people["owner"]
    actor = audit.Actor(owner.pk, "owner", "10.0.0.7", "browser")
    with audit.acting_as(actor):
        thread = threads.create(actor=owner, now=clock.now(), metadata={"api_key": "sk-1"})
        owner.set_password("hunter2-hunter2")
        owner.save()

    created = AuditEntry.objects.get(act="thread.create", object_pk=str(thread.pk))
    assert (created.actor_id, created.actor_label, created.address) == (
        owner.pk,
        "owner",
        "10.0.0.7",
    )
    with audit.acting_as(actor):
        threads.change(thread=thread, now=clock.now(), title="New", metadata={"token": "sk-1"})
    trail = AuditEntry.objects.filter(model_label="thread", object_pk=str(thread.pk))
    assert list(trail.order_by("id").values_list("act", flat=True)) == [
        "thread.create",
        "thread.change",
    ]
    assert trail.latest("id").additional_data == {"title": "New", "metadata": {"token": MASK}}
    changed = AuditEntry.objects.filter(act="user.changed").latest("id")
    assert "pbkdf2" not in str(changed.changes) and "md5" not in str(changed.changes)
    assert list(changed.changes) == ["password"]

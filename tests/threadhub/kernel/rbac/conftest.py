"""People, threads and sessions to share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

from sessions_app.models import Session, SessionThreadAssociation
from threadhub.kernel import clock
from threadhub.kernel.acts import act
from threadhub.kernel.ids import new_id
from threadhub.kernel.people import accounts
from threadhub.kernel.rbac import derive
from threadhub.kernel.streams import log
from threads_app.models import Thread
from threads_app.services import threads


@pytest.fixture
def person(db: None) -> Callable[..., Any]:
    """Return a function that makes a person with a profile."""

    def make(name: str, *, groups: tuple[Group, ...] = (), **flags: bool) -> Any:
        user, _ = accounts.ensure(
            username=name,
            is_staff=flags.pop("is_staff", False),
            is_superuser=flags.pop("is_superuser", False),
        )
        get_user_model().objects.filter(pk=user.pk).update(**flags)
        user.refresh_from_db()
        user.groups.set(groups)
        return user

    return make


@pytest.fixture
def group(db: None) -> Group:
    """Return an empty group."""
    return Group.objects.create(name="analysts")


@pytest.fixture
def owner(person: Callable[..., Any]) -> Any:
    """Return somebody who owns the thread and the session."""
    return person("owner")


@pytest.fixture
def ada(person: Callable[..., Any]) -> Any:
    """Return somebody to share with."""
    return person("ada")


@pytest.fixture
def root(person: Callable[..., Any]) -> Any:
    """Return a superuser."""
    return person("root", is_superuser=True)


@pytest.fixture
def thread(owner: Any) -> Thread:
    """Return a thread of the owner's."""
    return threads.create(actor=owner, now=clock.now(), title="Shared")


@pytest.fixture
def session(owner: Any) -> Session:
    """Return an empty session of the owner's."""
    return new_session(owner)


def new_session(owner: Any) -> Session:
    public_id, now = new_id(), clock.now()
    return Session.objects.create(
        public_id=public_id,
        owner=owner,
        stream=log.open_stream(key=f"session:{public_id}"),
        created_at=now,
        updated_at=now,
    )


@pytest.fixture
def join() -> Callable[..., SessionThreadAssociation]:
    """Return a function that makes a thread a member of a session, as coordination does."""
    return join_session


def join_session(
    session: Session, thread: Thread, *, is_active: bool = True
) -> SessionThreadAssociation:
    now = clock.now()
    with act("session.add_thread"):
        member = SessionThreadAssociation.objects.create(
            session=session,
            thread=thread,
            thread_name=thread.public_id,
            is_active=is_active,
            created_at=now,
            updated_at=now,
        )
        derive.refresh_objects(thread_ids=[thread.pk])
    return member


@pytest.fixture
def new_hub_session() -> Callable[[Any], Session]:
    """Return a function that makes a session."""
    return new_session

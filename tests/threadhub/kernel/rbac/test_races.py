"""Rights changed by several people at once, each on a connection of their own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection

from threadhub.kernel import clock
from threadhub.kernel.rbac import access, grants, roles
from threadhub.kernel.rbac.models import RoleGrant
from threads_app.models import Thread
from threads_app.services import threads

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


@pytest.fixture
def root() -> Any:
    return get_user_model().objects.create_superuser("root")


@pytest.fixture
def ada() -> Any:
    return get_user_model().objects.create_user("ada")


@pytest.fixture
def thread(root: Any) -> Thread:
    return threads.create(actor=root, now=clock.now())


def at_once(*calls: Any) -> None:
    """Make the calls in threads of their own, all starting together."""
    barrier = Barrier(len(calls))

    def make(call: Any) -> None:
        try:
            barrier.wait()
            call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        for done in [pool.submit(make, call) for call in calls]:
            done.result()


def test_grants_at_the_same_time_add_up(root: Any, ada: Any, thread: Thread) -> None:
    asked = {"to": ada, "on": thread, "actor": root, "now": clock.now()}
    at_once(
        *(
            lambda role=role: grants.grant(role=role, **asked)
            for role in ("viewer", "operator", "editor", "auditor", "viewer")
        )
    )

    assert access.held(ada, thread) == {"view", "read", "write", "execute"}
    assert RoleGrant.objects.count() == 4


def test_a_role_changed_while_it_is_granted_counts_as_it_became(
    root: Any, ada: Any, thread: Thread
) -> None:
    made = roles.create(name="helper", permissions=["write"], actor=root)
    asked = {"to": ada, "on": thread, "actor": root, "now": clock.now()}
    at_once(
        lambda: grants.grant(role="helper", **asked),
        lambda: roles.change(role=made, permissions=["execute"], actor=root),
    )

    assert access.held(ada, thread) == {"view", "execute"}


def test_what_is_revoked_while_something_else_is_granted_is_gone(
    root: Any, ada: Any, thread: Thread
) -> None:
    asked = {"to": ada, "on": thread, "actor": root, "now": clock.now()}
    given = grants.grant(role="owner", **asked)
    at_once(
        lambda: grants.revoke(grant=given, actor=root),
        lambda: grants.grant(role="viewer", **asked),
    )

    assert access.held(ada, thread) == {"view", "read"}

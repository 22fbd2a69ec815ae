"""The kernel's admin pages: audit entries, API keys, and people's passwords."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from threadhub.kernel import audit, clock
from threadhub.kernel.audit.models import AuditEntry
from threadhub.kernel.people import accounts, keys
from threadhub.kernel.people.models import ApiKey
from threadhub.kernel.rbac import everywhere, grants
from threads_app.services import threads

pytestmark = pytest.mark.django_db

PASSWORD = "a passphrase of my own"


@pytest.fixture
def admin_user() -> Any:
    return accounts.ensure(username="admin", is_staff=True, is_superuser=True)[0]


@pytest.fixture
def operator() -> Any:
    return accounts.ensure(username="operator")[0]


@pytest.fixture
def entry(operator: Any) -> AuditEntry:
    audit.record(act="thing.done", target=operator, data={"password": "hunter2hunter2"})
    return AuditEntry.objects.get(act="thing.done")


@pytest.fixture
def api_key(operator: Any) -> ApiKey:
    keys.create(user=operator, name="for the robot", now=clock.now())
    return ApiKey.objects.get()


def signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def pages(model: str, key: int) -> list[str]:
    return [
        reverse(f"admin:threadhub_{model}_changelist"),
        reverse(f"admin:threadhub_{model}_change", args=[key]),
    ]


def test_a_superuser_reads_audit_entries_with_secrets_masked(
    admin_user: Any, entry: AuditEntry
) -> None:
    client = signed_in(admin_user)
    texts = [client.get(address).content.decode() for address in pages("auditentry", entry.pk)]

    assert all("thing.done" in text for text in texts)
    assert not any("hunter2" in text for text in texts)


def test_a_superuser_sees_which_keys_there_are_and_no_digest(
    admin_user: Any, api_key: ApiKey
) -> None:
    client = signed_in(admin_user)
    texts = [client.get(address).content.decode() for address in pages("apikey", api_key.pk)]

    assert all(api_key.prefix in text for text in texts)
    assert not any(api_key.digest in text for text in texts)


def test_nobody_else_finds_them(operator: Any, entry: AuditEntry, api_key: ApiKey) -> None:
    client = signed_in(operator)
    index = client.get("/console/").content.decode()

    assert "auditentry" not in index
    assert "apikey" not in index
    for address in (*pages("auditentry", entry.pk), *pages("apikey", api_key.pk)):
        assert client.get(address).status_code == 403


@pytest.mark.parametrize(("is_staff", "role"), [(True, "operator"), (False, "auditor")])
def test_whoever_may_view_everything_reads_audit_entries_roles_and_grants(
    admin_user: Any,
    operator: Any,
    entry: AuditEntry,
    api_key: ApiKey,
    is_staff: bool,
    role: str,
) -> None:
    operator.is_staff = is_staff
    operator.save()
    given = everywhere.grant_everywhere(role=role, to=operator, actor=admin_user, now=clock.now())
    client = signed_in(operator)
    addresses = [
        *pages("auditentry", entry.pk),
        *pages("globalgrant", given.pk),
        *pages("role", given.role_id),
        reverse("admin:threadhub_rolegrant_changelist"),
    ]

    assert [client.get(address).status_code for address in addresses] == [200] * 7
    assert [client.get(address).status_code for address in pages("apikey", api_key.pk)] == [403] * 2
    assert client.get(reverse("admin:auth_user_changelist")).status_code == 403


def test_permissions_of_models_open_no_page_of_people(admin_user: Any, operator: Any) -> None:
    operator.user_permissions.add(*Permission.objects.filter(content_type__app_label="auth"))
    client = signed_in(operator)
    addresses = [reverse(f"admin:auth_{name}_changelist") for name in ("user", "group")]
    addresses += [reverse("admin:auth_user_change", args=[admin_user.pk])]

    assert [client.get(address).status_code for address in addresses] == [403] * 3
    assert [signed_in(admin_user).get(address).status_code for address in addresses] == [200] * 3


def test_a_grant_s_page_says_who_what_and_why(admin_user: Any, operator: Any) -> None:
    thread = threads.create(actor=admin_user, now=clock.now(), title="The audit")
    given = grants.grant(
        role="viewer", to=operator, on=thread, actor=admin_user, now=clock.now(), reason="to learn"
    )
    texts = [
        signed_in(admin_user).get(address).content.decode()
        for address in pages("rolegrant", given.pk)
    ]

    assert all(
        word in text for text in texts for word in ("viewer", "operator", "admin", "The audit")
    )
    assert "to learn" in texts[1]


def test_nothing_in_them_can_be_changed(admin_user: Any, entry: AuditEntry) -> None:
    client = signed_in(admin_user)
    change = reverse("admin:threadhub_auditentry_change", args=[entry.pk])

    assert client.post(change, {"act": "thing.undone"}).status_code == 403
    assert client.post(change.replace("change", "delete"), {"post": "yes"}).status_code == 404
    assert AuditEntry.objects.filter(pk=entry.pk, act="thing.done").exists()


def test_people_replace_the_password_that_was_made_up(operator: Any) -> None:
    operator.set_password("the one before this")
    operator.save()
    given = {
        "old_password": "the one before this",
        "new_password1": PASSWORD,
        "new_password2": PASSWORD,
    }

    answered = signed_in(operator).post("/console/password_change/", given)

    operator.refresh_from_db()
    assert answered.status_code == 302
    assert operator.check_password(PASSWORD)
    assert accounts.has_own_password(operator)


def test_an_administrator_sets_somebody_s_password_on_the_user_s_page(
    admin_user: Any, operator: Any
) -> None:
    address = reverse("admin:auth_user_password_change", args=[operator.pk])
    given = {"usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
    client = signed_in(admin_user)

    assert 'name="password1"' in client.get(address).content.decode()
    answered = client.post(address, given)

    operator.refresh_from_db()
    assert answered.status_code == 302
    assert operator.check_password(PASSWORD)
    told = get_user_model().__name__.lower()
    changed = AuditEntry.objects.filter(act=f"{told}.changed", object_pk=str(operator.pk))
    assert PASSWORD not in str([row.changes for row in changed])
    assert operator.password not in str([row.changes for row in changed])

"""The pages of accounts and groups."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from threads_app.models import Thread

pytestmark = pytest.mark.django_db

PASSWORD = "a passphrase of my own"


@pytest.fixture
def client(superuser: Any, signed_in: Callable[[Any], Client]) -> Client:
    return signed_in(superuser)


def form(user: User, **changed: Any) -> dict[str, Any]:
    given = {"username": user.username, "email": "", "is_active": "on", **changed}
    return {name: value for name, value in given.items() if value is not None}


def test_a_new_account_gets_a_name_and_a_password(client: Client) -> None:
    given = {"username": "ada", "password1": PASSWORD, "password2": PASSWORD}

    answered = client.post(reverse("admin:auth_user_add"), given)

    made = User.objects.get(username="ada")
    assert answered.headers["Location"] == reverse("admin:auth_user_change", args=[made.pk])
    assert made.check_password(PASSWORD)


def test_what_is_wrong_stands_beside_its_field_and_what_was_typed_stays(
    client: Client, operator: Any
) -> None:
    given = {"username": "operator", "password1": PASSWORD, "password2": "another"}

    page = client.post(reverse("admin:auth_user_add"), given).content.decode()

    assert "Nothing was saved: 2 fields need other values." in page
    assert 'value="operator"' in page
    assert 'aria-invalid="true"' in page
    assert 'aria-describedby="id_username-hint id_username-error"' in page
    assert 'id="id_username-error"' in page


def test_an_account_is_put_into_groups_and_deactivated(client: Client, operator: Any) -> None:
    people = Group.objects.create(name="night shift")
    address = reverse("admin:auth_user_change", args=[operator.pk])

    client.post(address, form(operator, groups=[people.pk], is_active=None))

    operator.refresh_from_db()
    assert list(operator.groups.all()) == [people]
    assert not operator.is_active
    shown = client.get(address).content.decode()
    assert f'type="checkbox" name="groups" value="{people.pk}" checked' in shown


def test_deleting_asks_first_and_refuses_who_owns_something(
    client: Client, stranger: Any, world: Thread
) -> None:
    held, free = Group.objects.get(), Group.objects.create(name="day shift")
    for people, told in ((held, "What needs it"), (free, "What goes with it")):
        page = reverse("admin:auth_group_delete", args=[people.pk])
        assert told in client.get(page).content.decode()
        client.post(page, {"post": "yes"})
    assert list(Group.objects.all()) == [held]

    owner = reverse("admin:auth_user_delete", args=[world.owner_id])
    assert "cannot be deleted" in client.get(owner).content.decode()
    assert client.post(owner, {"post": "yes"}).status_code in {200, 403}
    assert User.objects.filter(pk=world.owner_id).exists()


def test_the_history_of_accounts_is_the_audit(client: Client, operator: Any) -> None:
    address = reverse("admin:auth_user_change", args=[operator.pk])

    assert client.get(address.replace("change", "history")).status_code == 404

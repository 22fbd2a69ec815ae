"""The flag that let people sign in must not make them admins."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import connection

migration = import_module("threadhub.migrations.0004_staff_means_admin")


@pytest.mark.django_db
def test_only_superusers_stay_staff() -> None:
    people = get_user_model().objects
    people.create_user("operator", is_staff=True)
    people.create_superuser("admin")

    migration.leave_staff_to_superusers(apps, SimpleNamespace(connection=connection))

    staff = people.filter(is_staff=True).values_list("username", flat=True)
    assert list(staff) == ["admin"]

"""A person with a key, and clients that answer inside this process."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from threadhub.kernel import clock
from threadhub.kernel.people import keys

PASSWORD = "correct horse battery"


@pytest.fixture
def ada(db: None) -> Any:
    """Return a person."""
    return get_user_model().objects.create_user("ada", password=PASSWORD)


@pytest.fixture
def key(ada: Any) -> str:
    """Return a key of Ada's."""
    return keys.create(user=ada, name="test", now=clock.now())


@pytest.fixture
def program(key: str) -> Client:
    """Return a client that signs in by key; what goes wrong inside is answered, not raised."""
    return Client(headers={"X-Api-Key": key}, raise_request_exception=False)


@pytest.fixture
def browser(ada: Any) -> Client:
    """Return a client that signed in by password, and whose requests need a CSRF token."""
    made = Client(enforce_csrf_checks=True)
    assert made.login(username="ada", password=PASSWORD)
    return made

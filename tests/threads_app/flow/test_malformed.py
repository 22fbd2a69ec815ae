"""Addresses and forms that no page makes are refused in words, on every database."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from services.flowing import address, signed_in
from threadhub.kernel.rbac.models import RoleGrant
from threads_app.models import Thread

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

LIST = "/console/threads_app/thread/"
HUGE = "9" * 30


def place(*values: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


@pytest.fixture
def boss(django_user_model: Any) -> Any:
    return django_user_model.objects.create_superuser("boss")


@pytest.mark.parametrize(
    "path",
    [
        "/t/a%00b",
        f"{LIST}?status__exact=%00",
        f"{LIST}add/?graph=%00",
        "/console/inbox/?graph=%00",
        "/console/inbox/?%00=x",
    ],
)
def test_nul_in_an_address_is_refused(owner: Any, path: str) -> None:
    assert signed_in(owner).get(path).status_code == 400


@pytest.mark.parametrize("name", ["title", "key"])
def test_nul_in_a_form_is_refused_and_changes_nothing(
    owner: Any, thread: Thread, name: str
) -> None:
    given = {"title": "Other", "key": "k", name: "a\x00b"}
    response = signed_in(owner).post(address(thread, "rename"), given)

    assert response.status_code == 400
    thread.refresh_from_db()
    assert thread.title == "Plan seven"


@pytest.mark.parametrize("key", ["abc", "²", "-1", "1.5", "_5F"])
def test_an_address_of_no_thread_is_not_found(owner: Any, thread: Thread, key: str) -> None:
    assert signed_in(owner).get(f"{LIST}{key}/change/").status_code == 404


def test_a_run_by_no_number_is_the_one_under_way(owner: Any, thread: Thread) -> None:
    response = signed_in(owner).get(address(thread, "cancel"), {"run": "²"})

    assert response.status_code == 200


@pytest.mark.parametrize(
    "values",
    [
        (None, None),
        ("2026-01-01T00:00:00+00:00", None),
        ("2026-01-01T00:00:00+00:00", 10**30),
        ("0001-01-01T00:00:00+14:00", 1),
        ("9999-12-31T23:59:59-14:00", 1),
    ],
)
def test_a_place_beyond_every_row_leads_to_a_list(
    owner: Any, thread: Thread, values: tuple[Any, ...]
) -> None:
    response = signed_in(owner).get(LIST, {"after": place(*values)}, follow=True)

    assert response.status_code == 200


@pytest.mark.parametrize("text", ["a\x00b", "\ud800"])
def test_a_place_with_a_text_no_database_holds_leads_to_the_beginning(
    owner: Any, thread: Thread, text: str
) -> None:
    query = {"o": "name", "after": place(text, "2026-01-01T00:00:00+00:00", 1)}
    response = signed_in(owner).get(LIST, query, follow=True)

    assert thread.title in response.content.decode()


def test_a_filter_by_a_number_too_large_finds_nothing_and_does_not_fail(
    boss: Any, thread: Thread
) -> None:
    client = signed_in(boss)

    for query in ({"graph__id__exact": HUGE}, {"graph__exact": HUGE}):
        page = client.get("/console/threads_app/run/", query, follow=True)
        assert page.status_code == 200


@pytest.mark.parametrize("key", ["x", "²", "", HUGE])
def test_a_selection_of_no_rows_is_refused(owner: Any, thread: Thread, key: str) -> None:
    given = {"action": "delete_threads", "_selected_action": key, "confirmed": "yes"}
    response = signed_in(owner).post(LIST, given)

    assert response.status_code == 400
    assert Thread.objects.filter(pk=thread.pk).exists()


def test_a_grant_until_the_end_of_time_is_refused_beside_its_field(
    owner: Any, stranger: Any, thread: Thread
) -> None:
    far = {"kind": "user", "name": "stefan", "role": "viewer", "until": "9999-12-31T23:59:59-14:00"}
    client, page = signed_in(owner), address(thread, "access_grant")
    refused = client.post(page, far)

    assert refused.status_code == 422
    assert "too far away" in refused.content.decode()
    assert client.get(page, far).status_code == 200
    assert not RoleGrant.objects.filter(thread=thread, user=stranger).exists()

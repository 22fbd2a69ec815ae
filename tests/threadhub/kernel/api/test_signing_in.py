"""Who calls the API: by key or by browser session, and everybody else not at all."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.middleware.csrf import _get_new_csrf_string
from django.test import Client

from threadhub.kernel import clock
from threadhub.kernel.people import keys
from threadhub.kernel.people.models import ApiKey

SEARCH = "/api/threads/search"


def search(client: Client, **headers: str) -> Any:
    return client.post(SEARCH, {}, content_type="application/json", headers=headers)


def test_nobody_is_asked_to_sign_in(db: None) -> None:
    answer = search(Client())

    assert answer.status_code == 401
    assert answer.json()["code"] == "not_authenticated"
    assert answer["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("header", ["X-Api-Key", "x-api-key", "Authorization"])
def test_a_key_opens_the_api(key: str, header: str) -> None:
    value = f"Bearer {key}" if header == "Authorization" else key

    assert search(Client(), **{header: value}).status_code == 200


class TestAKeyThatOpensNothing:
    def refused(self, text: str) -> bool:
        answer = search(Client(), **{"X-Api-Key": text})
        return answer.status_code == 401 and answer.json()["code"] == "authentication_failed"

    @pytest.mark.parametrize("text", ["x", "thub_", "thub_é", "thub_\x00", "thub_" + "x" * 10_000])
    def test_is_none_of_ours(self, db: None, text: str) -> None:
        assert self.refused(text)

    def test_has_another_end(self, key: str) -> None:
        assert self.refused(key[:-1] + ("a" if key[-1] != "a" else "b"))
        assert self.refused(key[:13])

    def test_has_expired(self, ada: Any) -> None:
        now = clock.now()
        text = keys.create(user=ada, name="", now=now, expires_at=now - timedelta(seconds=1))

        assert self.refused(text)

    def test_was_revoked(self, key: str) -> None:
        row = ApiKey.objects.get()
        row.revoked_at = clock.now()
        row.save()

        assert self.refused(key)

    def test_belongs_to_somebody_inactive(self, ada: Any, key: str) -> None:
        ada.is_active = False
        ada.save()

        assert self.refused(key)


def test_a_bad_key_is_not_saved_by_a_session(browser: Client) -> None:
    assert search(browser, **{"X-Api-Key": "thub_wrong"}).status_code == 401


class TestABrowser:
    def test_reads_with_its_session(self, browser: Client) -> None:
        assert browser.get("/api/interrupts").json() == []

    def test_needs_a_token_to_change_anything(self, browser: Client) -> None:
        answer = search(browser)

        assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")

    def test_changes_with_its_token(self, browser: Client) -> None:
        token = _get_new_csrf_string()
        browser.cookies["csrftoken"] = token

        assert search(browser, **{"X-CSRFToken": token}).status_code == 200

    def test_cannot_be_used_through_a_form(self, browser: Client) -> None:
        answer = browser.post("/api/threads", {"title": "x"})

        assert answer.status_code == 403

    def test_is_out_when_the_person_is_inactive(self, browser: Client, ada: Any) -> None:
        ada.is_active = False
        ada.save()

        assert browser.get("/api/interrupts").status_code == 401


@pytest.mark.parametrize("path", ["/api/ok", "/ok", "/api/info"])
def test_anybody_may_ask_whether_it_runs(path: str) -> None:
    assert Client().get(path).status_code == 200


def test_what_runs_is_told_in_the_shape_clients_probe_for() -> None:
    shown = Client().get("/api/info").json()

    assert shown.keys() >= {"version", "langgraph_py_version", "flags", "host"}
    assert shown["flags"].keys() == {"assistants", "crons", "langsmith"}

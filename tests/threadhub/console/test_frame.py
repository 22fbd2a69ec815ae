"""The frame of the console: who finds what in it, its errors, its language, its short addresses."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError
from django.http import HttpResponse
from django.test import Client

from sessions_app.models import Session
from threadhub.console import errors, views
from threadhub.kernel.errors import Conflict, ThreadHubError
from threadhub.kernel.operations.models import Operation
from threads_app.models import Thread

pytestmark = pytest.mark.django_db

SignIn = Callable[[Any], Client]


def text_of(response: HttpResponse) -> str:
    return response.content.decode()


def test_the_navigation_shows_what_a_person_may_open(
    superuser: Any, operator: Any, signed_in: SignIn
) -> None:
    everything = text_of(signed_in(superuser).get("/console/threads_app/thread/"))
    little = text_of(signed_in(operator).get("/console/threads_app/thread/"))

    for name in ("auditentry", "rolegrant", "apikey", "auth/user"):
        assert f"{name}/" in everything
        assert f"{name}/" not in little
    assert re.search(r'href="/console/threads_app/thread/" aria-current="page"', little)
    assert "Signed in as root (Superuser)" in everything
    assert "Signed in as operator (Member)" in little


def test_the_environment_stands_beside_the_name(
    operator: Any, signed_in: SignIn, settings: Any
) -> None:
    settings.ENVIRONMENT = "Prod"

    page = text_of(signed_in(operator).get("/console/threads_app/thread/"))

    assert '<span class="env env--prod">Prod</span>' in page


def test_the_language_is_chosen_and_the_page_kept(operator: Any, signed_in: SignIn) -> None:
    client, place = signed_in(operator), "/console/threads_app/thread/?q=plan"

    answered = client.post("/console/language/", {"language": "zh-hans", "next": place})

    assert answered.headers["Location"] == place
    assert "<h1>线程</h1>" in text_of(client.get(place))
    away = client.post(
        "/console/language/", {"language": "en", "next": "https://elsewhere.example/"}
    )
    assert "elsewhere" not in away.headers["Location"]


@pytest.mark.parametrize(
    "address",
    [
        "/console/threads_app/run/{other}/change/",
        "/console/threads_app/run/999999/change/",
        "/console/threads_app/thread/{thread}/live/",
        "/console/sessions_app/session/{session}/change/",
        "/console/nowhere/",
        "/t/{public_id}",
        "/t/nobody",
        "/o/{operation}",
    ],
)
def test_hidden_and_missing_are_told_in_the_same_words(
    stranger: Any, signed_in: SignIn, world: Thread, address: str
) -> None:
    session = Session.objects.visible_to(world.owner).get()
    places = {
        "other": world.runs.get().pk,
        "thread": world.pk,
        "session": session.pk,
        "public_id": world.public_id,
        "operation": Operation.objects.visible_to(world.owner).get().public_id,
    }

    answered = signed_in(stranger).get(address.format(**places))

    assert answered.status_code == 404
    shown = text_of(answered)
    assert "The address is wrong, what was here is deleted, or it is not shared with you" in shown
    assert answered.headers["X-Correlation-ID"] in shown
    assert 'aria-label="Main"' in shown


def test_short_addresses_lead_to_the_pages(operator: Any, signed_in: SignIn, world: Thread) -> None:
    client = signed_in(operator)
    session = Session.objects.visible_to(operator).get()
    operation = Operation.objects.visible_to(operator).get()
    wanted = {
        f"/t/{world.public_id}": f"/console/threads_app/thread/{world.pk}/live/",
        f"/s/{session.public_id}": f"/console/sessions_app/session/{session.pk}/change/",
        f"/o/{operation.public_id}": f"/console/threadhub/operation/{operation.pk}/change/",
    }

    assert {short: client.get(short).headers["Location"] for short in wanted} == wanted
    short = f"/t/{world.public_id}"
    assert Client().get(short).headers["Location"] == f"/console/login/?next={short}"


def test_what_is_not_allowed_says_so_in_both_languages(
    operator: Any, signed_in: SignIn, world: Thread
) -> None:
    client, place = signed_in(operator), "/console/auth/user/"

    assert "Your account lacks the permission" in text_of(client.get(place))
    chinese = client.get(place, headers={"Accept-Language": "zh-hans"})
    assert chinese.status_code == 403
    assert "您无权执行此操作" in text_of(chinese)


def test_a_form_from_elsewhere_changes_nothing_and_says_why(operator: Any) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(operator)

    answered = client.post("/console/password_change/", {})

    assert answered.status_code == 403
    assert "Nothing was changed." in text_of(answered)


def failing(monkeypatch: pytest.MonkeyPatch, error: Exception) -> HttpResponse:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(views.SignInView, "get", fail)
    client = Client(raise_request_exception=False)
    return client.get("/sign-in/token")


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        (RuntimeError("a secret of the inside"), 500, "Something went wrong inside ThreadHub"),
        (OperationalError("a secret of the inside"), 503, "Something it depends on is away"),
        (Conflict("It ended already."), 409, "It ended already."),
    ],
)
def test_failures_have_a_page_that_needs_no_database(
    monkeypatch: pytest.MonkeyPatch,
    django_assert_num_queries: Any,
    error: Exception,
    status: int,
    told: str,
) -> None:
    with django_assert_num_queries(0):
        answered = failing(monkeypatch, error)

    assert answered.status_code == status
    assert told in text_of(answered)
    assert "secret of the inside" not in text_of(answered)
    assert answered.headers["X-Correlation-ID"] in text_of(answered)


def test_too_many_requests_have_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    class TooMany(ThreadHubError):
        status = 429

    assert "Too many requests" in text_of(failing(monkeypatch, TooMany("Slow down.")))
    assert 429 in errors.KNOWN


def test_whoever_is_deactivated_is_led_to_sign_in(
    operator: Any, signed_in: SignIn, world: Thread
) -> None:
    client = signed_in(operator)
    operator.is_active = False
    operator.save()

    for place in ("/console/", f"/console/threads_app/thread/{world.pk}/live/", "/t/x"):
        assert client.get(place).headers["Location"].startswith("/console/login/")


def test_signing_out_is_a_form_and_says_goodbye(operator: Any, signed_in: SignIn) -> None:
    client = signed_in(operator)

    assert client.get("/console/logout/").status_code == 405
    assert "What runs goes on running without you." in text_of(client.post("/console/logout/"))


def test_signing_in_keeps_the_name_and_leads_back(operator: Any) -> None:
    operator.set_password("a passphrase of my own")
    operator.save()
    given = {"username": "operator", "password": "wrong", "next": "/console/threads_app/run/"}
    client = Client()

    refused = text_of(client.post("/console/login/", given))

    assert 'value="operator"' in refused
    assert 'role="alert"' in refused
    accepted = client.post("/console/login/", {**given, "password": "a passphrase of my own"})
    assert accepted.headers["Location"] == "/console/threads_app/run/"

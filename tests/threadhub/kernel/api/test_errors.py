"""Every error has one shape, the right status, and nothing from the inside."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError
from django.middleware.csrf import _get_new_csrf_string
from django.test import Client

from threadhub.kernel.errors import (
    Conflict,
    Invalid,
    NotAllowed,
    NotVisible,
    ThreadHubError,
    Unavailable,
)
from threads_app.services import threads

CREATE = "/api/threads"


def post(client: Client, content: bytes | str, **more: Any) -> Any:
    return client.post(CREATE, content, content_type="application/json", **more)


def is_error(answer: Any) -> bool:
    shown = answer.json()
    known = {"detail", "code", "fields", "correlation_id"}
    return bool(
        shown.keys() <= known
        and all(isinstance(shown[name], str) and shown[name] for name in known - {"fields"})
        and shown["correlation_id"] == answer["X-Correlation-ID"]
    )


UNREADABLE = [
    b"{",
    b"{'a': 1}",
    b'{"a": NaN}',
    b'{"a": -Infinity}',
    b'{"a": 1e400}',
    b'{"a": ' + b"9" * 5000 + b"}",
    b"\xff\xfe{}",
    b"[" * 100_000,
    b'{"metadata": ' + b"[" * 70 + b"]" * 70 + b"}",
]


@pytest.mark.parametrize("content", UNREADABLE, ids=lambda content: content[:12])
def test_what_is_no_json_is_400(program: Client, content: bytes) -> None:
    answer = post(program, content)

    assert (answer.status_code, answer.json()["code"]) == (400, "parse_error")
    assert is_error(answer)


@pytest.mark.parametrize("content", [b"[]", b"7", b'"text"', b"null"])
def test_what_is_no_object_is_422(program: Client, content: bytes) -> None:
    answer = post(program, content)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert is_error(answer)


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/json; charset=utf-8"])
def test_an_empty_body_is_an_empty_object(program: Client, content_type: str) -> None:
    answer = program.post(CREATE, b"", content_type=content_type)

    assert answer.status_code == 200


def test_a_body_is_json_whatever_it_is_called(program: Client) -> None:
    form = "application/x-www-form-urlencoded"
    answer = program.post(CREATE, b'{"title": "x"}', content_type=form)

    assert answer.json()["title"] == "x"


@pytest.mark.parametrize("accept", ["text/event-stream", "text/html", "nonsense"])
def test_json_is_answered_whatever_is_accepted(program: Client, accept: str) -> None:
    assert post(program, b"{}", headers={"Accept": accept}).status_code == 200


class TestTheSizeOfABody:
    def test_is_limited(self, program: Client, settings: Any) -> None:
        settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
        fitting = json.dumps({"title": "x" * 80}).encode()

        assert len(fitting) < 100
        assert post(program, fitting).status_code == 200
        answer = post(program, fitting + b" " * 100)
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
        assert is_error(answer)

    def test_is_limited_for_browsers_too(self, browser: Client, settings: Any) -> None:
        settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
        browser.cookies["csrftoken"] = _get_new_csrf_string()
        form = "application/x-www-form-urlencoded"
        answer = browser.post(CREATE, "a=" + "x" * 200, content_type=form)

        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")

    def test_must_be_known(self, program: Client) -> None:
        answer = post(program, b"{}", headers={"Transfer-Encoding": "chunked"})

        assert (answer.status_code, answer.json()["code"]) == (411, "length_required")


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/nothing", "/api/threads/", "/api/../x"])
@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_an_unknown_address_is_404(program: Client, method: str, path: str) -> None:
    answer = getattr(program, method)(path)

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert is_error(answer)


def test_a_wrong_method_is_405(program: Client) -> None:
    answer = program.get(CREATE)

    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer["Allow"] == "POST, OPTIONS"
    assert is_error(answer)


@pytest.mark.parametrize("method", ["head", "options"])
def test_the_quiet_methods_work(program: Client, method: str) -> None:
    assert getattr(program, method)("/api/interrupts").status_code == 200


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_a_database_that_does_not_answer_is_503(
    program: Client, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def fail(**_: Any) -> None:
        raise error("connection to server at 10.0.0.9 failed")

    monkeypatch.setattr(threads, "create", fail)
    answer = post(program, b"{}")

    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert is_error(answer) and "10.0.0.9" not in answer.json()["detail"]


@pytest.mark.parametrize("family", [NotVisible, NotAllowed, Conflict, Invalid, Unavailable])
def test_each_family_has_its_status(
    program: Client, monkeypatch: pytest.MonkeyPatch, family: type[ThreadHubError]
) -> None:
    def refuse(**_: Any) -> None:
        raise family("Not now.", code="never", fields={"a": ["b"]})

    monkeypatch.setattr(threads, "create", refuse)
    answer = post(program, b"{}")

    assert answer.status_code == family.status
    assert (answer.json()["detail"], answer.json()["code"]) == ("Not now.", "never")
    assert answer.json()["fields"] == {"a": ["b"]}
    assert is_error(answer)


def test_what_nobody_expected_says_nothing(
    program: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def break_down(**_: Any) -> None:
        raise RuntimeError("/srv/secret password=hunter2")

    monkeypatch.setattr(threads, "create", break_down)
    answer = post(program, b"{}")

    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "hunter2" not in answer.content.decode()
    assert "RuntimeError" not in answer.content.decode()
    assert "A request failed." in caplog.text
    assert is_error(answer)


class TestTheCorrelationId:
    def test_is_made_here_and_not_by_the_client(self, program: Client) -> None:
        sent = {"X-Correlation-ID": "mine", "X-Request-ID": "mine"}
        answer = program.get("/api/nothing", headers=sent)

        assert answer.json()["correlation_id"] != "mine"
        assert answer["X-Correlation-ID"] == answer.json()["correlation_id"]
        assert answer["X-Request-ID"] == "mine"

    def test_stands_beside_a_clients_own_cut_to_printable_text(self, program: Client) -> None:
        answer = program.get("/api/nothing", headers={"X-Request-ID": "a\tbé" + "c" * 100})

        assert answer["X-Request-ID"] == "ab" + "c" * 62


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_an_address_that_does_not_exist_says_so_whatever_is_done_there(method: str) -> None:
    answer = getattr(Client(enforce_csrf_checks=True), method)("/api/nope")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert "/api/schema" in answer.json()["detail"]

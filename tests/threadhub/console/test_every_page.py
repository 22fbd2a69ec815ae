"""What holds on every page of the console, whoever adds one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from threads_app.models import Thread

pytestmark = pytest.mark.django_db

POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; worker-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
FORBIDDEN = re.compile(
    r"<style|\sstyle=|<script(?![^>]*\ssrc=)|\son[a-z]+=|javascript:"
    r"|(?:src|href|action)=[\"']?(?:https?:)?//",
    re.IGNORECASE,
)
STOCK = re.compile(r'/static/admin/|class="(?:module|object-tools|vTextField)')
# Parts of pages that miss their parameters, and addresses of forms.
KNOWN = {200, 400, 404, 405}
# They answer with no page of the console.
NO_PAGES = {"set_language", "logout", "jsi18n", "autocomplete", "view_on_site", "app_list", None}


def patterns(found: Any, before: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in found:
        path = before + str(pattern.pattern).lstrip("^").rstrip("$")
        if isinstance(pattern, URLResolver):
            yield from patterns(pattern.url_patterns, path)
        else:
            yield path, pattern


def first_key(path: str) -> Any:
    """Return the key of a row of the model whose pages are below the path."""
    label, name = path.split("/")[1:3]
    for model in admin.site._registry:
        if (model._meta.app_label, model._meta.model_name) == (label, name):
            return model._default_manager.order_by("pk").values_list("pk", flat=True)[0]
    pytest.fail(f"Say in first_key() whose page {path} is.")


def addresses() -> list[str]:
    found = [
        path
        for path, pattern in patterns(get_resolver().url_patterns)
        if path.startswith("console/") and pattern.name not in NO_PAGES
    ]
    parameter = re.compile(r"<[^>]+>")
    shown = [
        "/" + (parameter.sub(str(first_key(path)), path, count=1) if "<" in path else path)
        for path in found
    ]
    return [address for address in shown if "<" not in address]


def pages(client: Client, language: str = "en") -> Iterator[tuple[str, Any]]:
    for address in addresses():
        if address.endswith("/login/"):
            continue
        yield address, client.get(address, follow=True, headers={"Accept-Language": language})


def test_nothing_is_inline_or_from_elsewhere_and_every_page_says_so(
    superuser: Any, signed_in: Callable[[Any], Client], world: Thread
) -> None:
    seen = list(pages(signed_in(superuser)))

    wrong = {address: page.status_code for address, page in seen if page.status_code not in KNOWN}
    assert wrong == {}
    assert sum(page.status_code == 200 for _, page in seen) > 25
    for address, page in seen:
        if not page.headers["Content-Type"].startswith("text/html"):
            continue
        assert page.headers["Content-Security-Policy"] == POLICY, address
        text = page.content.decode()
        assert [match.group() for match in FORBIDDEN.finditer(text)] == [], address
        assert STOCK.findall(text) == [], address


def test_every_page_has_one_heading_a_title_and_its_language(
    superuser: Any, signed_in: Callable[[Any], Client], world: Thread
) -> None:
    for address, page in pages(signed_in(superuser), "zh-hans"):
        text = page.content.decode()
        if page.status_code != 200 or "<html" not in text:
            continue
        assert text.count("<h1") == 1, address
        assert '<html lang="zh-hans">' in text, address
        assert re.search(r"<title>[^<·]+ · ", text), address


def test_pages_before_signing_in_keep_the_policy_too() -> None:
    for address in ("/console/login/", "/sign-in/used", "/console/nowhere/"):
        page = Client().get(address, follow=True)
        assert page.headers["Content-Security-Policy"] == POLICY
        assert FORBIDDEN.findall(page.content.decode()) == []


def test_answers_that_are_no_pages_carry_no_policy() -> None:
    assert "Content-Security-Policy" not in Client().get("/ok").headers

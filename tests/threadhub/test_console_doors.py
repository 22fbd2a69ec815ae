"""Every address of the console asks who comes before it says anything."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

# Answered to strangers, and why that harms nobody.
OPEN = {
    "console/login/": "Where one signs in.",
    "console/jsi18n/": "Words of the interface.",
    "console/language/": "Sets a cookie of one's own.",
}
SAMPLES = {"int": "1", "str": "x", "path": "1", "uuid": "0" * 8 + "-0000-0000-0000-" + "0" * 12}


def addresses(prefix: str, patterns: list[URLPattern | URLResolver]) -> Iterator[str]:
    for pattern in patterns:
        path = prefix + shown(pattern)
        if isinstance(pattern, URLResolver):
            yield from addresses(path, pattern.url_patterns)
        else:
            yield path


def shown(pattern: URLPattern | URLResolver) -> str:
    text = str(pattern.pattern).lstrip("^").rstrip("$").replace("\\Z", "")
    for name, converter in pattern.pattern.converters.items():
        kind = type(converter).__name__.removesuffix("Converter").lower()
        sample = SAMPLES.get("str" if kind == "string" else kind, "1")
        text = text.replace(f"<{kind}:{name}>", sample).replace(f"<str:{name}>", sample)
        text = text.replace(f"<{name}>", sample)
    return text


def console() -> list[str]:
    found = addresses("", get_resolver().url_patterns)
    # The last pattern of the site takes what no other did, and asks who comes, too.
    return sorted({path for path in found if path.startswith("console/") and "(" not in path})


def test_there_are_addresses_to_ask() -> None:
    assert len(console()) > 30


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["get", "post"])
def test_strangers_are_led_to_the_sign_in(client: Client, method: str) -> None:
    answers = {path: getattr(client, method)(f"/{path}") for path in console() if path not in OPEN}
    told = {
        path: (answer.status_code, answer.get("Location", ""))
        for path, answer in answers.items()
        if answer.status_code != 302 or not answer["Location"].startswith("/console/login/")
    }

    # Signing out is nothing to a stranger.
    told.pop("console/logout/", None)
    assert told == {}

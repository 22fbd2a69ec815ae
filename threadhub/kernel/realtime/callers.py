"""Who opens a socket: a program by key, or a person by browser session from our own pages."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import auth
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.http import HttpRequest
from django.http.request import split_domain_port, validate_host

from threadhub.kernel import clock
from threadhub.kernel.people import keys
from threadhub.kernel.people.models import ApiKey
from threadhub.kernel.rbac.models import GlobalGrant, RoleGrant

# What decides about a person's rights, as numbers that change with it.
Mark = tuple[Any, ...]
_MARKED = (
    "pk",
    "profile__access_epoch",
    "is_active",
    "is_staff",
    "is_superuser",
    "password",
)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is at the other end, and by what right."""

    user_id: int
    mark: Mark
    session_key: str | None = None
    key_id: int | None = None


def headers_of(scope: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers of a connection by their lower-case names."""
    return {name.decode("latin1"): value.decode("latin1") for name, value in scope["headers"]}


def key_of(headers: Mapping[str, str]) -> str:
    """Return the API key that a program sends, empty for none."""
    if key := headers.get("x-api-key"):
        return key
    scheme, _, text = headers.get("authorization", "").partition(" ")
    return text.strip() if scheme.lower() == "bearer" else ""


def is_own_origin(headers: Mapping[str, str]) -> bool:
    """Say whether the page that opens the socket is ours: cookies are sent from any page.

    A missing origin and "null" are nobody's.
    """
    origin = headers.get("origin", "")
    if any(_is_trusted(origin, trusted) for trusted in settings.CSRF_TRUSTED_ORIGINS):
        return True
    host = headers.get("host", "")
    domain, _ = split_domain_port(host)
    is_served = bool(domain) and validate_host(domain, settings.ALLOWED_HOSTS)
    return is_served and origin.lower() in {f"http://{host.lower()}", f"https://{host.lower()}"}


def _is_trusted(origin: str, trusted: str) -> bool:
    if "*" not in trusted:
        return origin == trusted
    scheme, domain = trusted.split("://*", 1)
    asked = urlsplit(origin)
    return asked.scheme == scheme and asked.netloc.endswith(domain)


def identify(headers: Mapping[str, str]) -> Caller | None:
    """Return the caller, None for somebody who is not signed in; 2 queries."""
    if text := key_of(headers):
        key = keys.check(text, now=clock.now())
        return _caller(key.user_id, key_id=key.pk) if key else None
    session_key = _cookie(headers)
    if not session_key:
        return None
    request = HttpRequest()
    request.session = SessionStore(session_key)
    user = auth.get_user(request)
    if not user.is_authenticated or not request.session.session_key:
        return None
    return _caller(user.pk, session_key=request.session.session_key)


def _cookie(headers: Mapping[str, str]) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(settings.SESSION_COOKIE_NAME)
    except CookieError:
        return ""
    return found.value if found else ""


def _caller(user_id: int, **right: Any) -> Caller | None:
    mark = marks([user_id]).get(user_id)
    return Caller(user_id, mark, **right) if mark and is_active(mark) else None


def marks(user_ids: Collection[int]) -> dict[int, Mark]:
    """Return what decides about the rights of these people; 1 query."""
    people = auth.get_user_model()._default_manager.filter(pk__in=user_ids)
    return {row[0]: row for row in people.values_list(*_MARKED)}


def is_active(mark: Mark) -> bool:
    """Say whether the account is one that may sign in."""
    return bool(mark[2])


def has_same_password(one: Mark, other: Mark) -> bool:
    """Say whether sessions that began with one mark are still good with the other."""
    return bool(one[5] == other[5])


def epoch_of(mark: Mark) -> int | None:
    """Return how often the person's rights have changed, None where nobody counts."""
    epoch: int | None = mark[1]
    return epoch


def open_sessions(session_keys: Collection[str]) -> set[str]:
    """Return which of the browser sessions are still good; 1 query."""
    found = Session.objects.filter(session_key__in=session_keys, expire_date__gt=clock.now())
    return set(found.values_list("session_key", flat=True))


def usable_keys(key_ids: Collection[int]) -> set[int]:
    """Return which of the API keys are still good; 1 query."""
    return set(ApiKey.objects.usable().filter(pk__in=key_ids).values_list("pk", flat=True))


def has_grant_ended(*, after: datetime, until: datetime) -> bool:
    """Say whether any grant came to its end in between, which no epoch tells; 2 queries."""
    return any(
        model._default_manager.filter(ends_at__gt=after, ends_at__lte=until).exists()
        for model in (RoleGrant, GlobalGrant)
    )


def person(user_id: int) -> Any:
    """Return the account as it is now, an anonymous one where it is gone; 1 query."""
    found = auth.get_user_model()._default_manager.filter(pk=user_id).first()
    return found or AnonymousUser()

"""One-time sign-in links, good in every process of the installation."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.core import signing

LIFETIME = timedelta(hours=1)
_SALT = "threadhub.sign-in"


def issue(*, user: Any, now: datetime) -> str:
    """Return a token that signs this person in within the hour, unless they did so before."""
    until = (now + LIFETIME).timestamp()
    return signing.dumps([user.pk, _last_login(user), until], salt=_SALT)


def redeem(token: str, *, now: datetime) -> int | None:
    """Return whom the token signs in and use it up; None when it is used, old or forged."""
    try:
        user_id, last_login, until = signing.loads(token, salt=_SALT)
    except signing.BadSignature:
        return None
    users = get_user_model()._default_manager.filter(pk=user_id, is_active=True)
    user = users.first()
    if user is None or _last_login(user) != last_login or until < now.timestamp():
        return None
    # Of two who come with the same link, one finds the row as it was.
    is_first = users.filter(last_login=user.last_login).update(last_login=now)
    return int(user.pk) if is_first else None


def _last_login(user: Any) -> str:
    return user.last_login.isoformat() if user.last_login else ""

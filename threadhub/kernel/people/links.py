"""One-time sign-in links, printed by the process that also serves them."""

from __future__ import annotations

import hashlib
import secrets
import threading
from datetime import datetime, timedelta

LIFETIME = timedelta(hours=1)

_issued: dict[str, tuple[int, datetime]] = {}
_guard = threading.Lock()


def issue(*, user_id: int, now: datetime) -> str:
    """Return a token that signs this person in once within the hour, in this process only."""
    token = secrets.token_urlsafe(32)
    with _guard:
        _issued[_digest(token)] = (user_id, now + LIFETIME)
    return token


def redeem(token: str, *, now: datetime) -> int | None:
    """Return whom the token signs in and forget it; None when it is used, old or unknown."""
    with _guard:
        found = _issued.pop(_digest(token), None)
    if found is None or found[1] < now:
        return None
    return found[0]


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()

"""Make and check API keys."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import Any

from threadhub.kernel import transactions

from .models import ApiKey

BRAND = "thub_"
PREFIX_LENGTH = len(BRAND) + 8
LAST_USE_STEP = timedelta(minutes=5)


def create(*, user: Any, name: str, now: datetime, expires_at: datetime | None = None) -> str:
    """Make a key for the person and return its text, which is shown once and never stored."""
    text = BRAND + secrets.token_urlsafe(32)
    with transactions.atomic():
        ApiKey.objects.create(
            user=user,
            name=name,
            prefix=text[:PREFIX_LENGTH],
            digest=_digest(text),
            created_at=now,
            expires_at=expires_at,
        )
    return text


def check(text: str, *, now: datetime) -> ApiKey | None:
    """Return the usable key of this text with its user, None for any other text. One query."""
    if not text.startswith(BRAND) or not text.isascii() or not text.isprintable():
        return None
    usable = ApiKey.objects.usable().select_related("user")
    key = usable.filter(prefix=text[:PREFIX_LENGTH]).first()
    if key is None or not hmac.compare_digest(key.digest, _digest(text)):
        return None
    if key.last_used_at is None or now - key.last_used_at > LAST_USE_STEP:
        key.last_used_at = now
        with transactions.atomic():
            key.save(update_fields=["last_used_at"])
    return key


def _digest(text: str) -> str:
    # The key has 256 random bits, so a fast digest is enough.
    return hashlib.sha256(text.encode("ascii")).hexdigest()

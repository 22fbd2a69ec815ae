"""The key by which a client may repeat a request without doing it twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from threadhub.kernel.errors import Invalid

if TYPE_CHECKING:
    from rest_framework.request import Request

KEY_LENGTH = 255


def key_of(request: Request) -> str | None:
    """Return the request's Idempotency-Key, None without one. Raises Invalid."""
    key = request.headers.get("Idempotency-Key", "").strip()
    if len(key) > KEY_LENGTH or not key.isprintable():
        raise Invalid(f"Idempotency-Key must be text of at most {KEY_LENGTH} characters.")
    return key or None

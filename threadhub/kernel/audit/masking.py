"""How masked values look in an entry."""

from __future__ import annotations

from threadhub.kernel.observability.redaction import MASK


def mask(_value: str) -> str:
    """Replace the whole value: auditlog's own mask leaves half of it readable."""
    return MASK

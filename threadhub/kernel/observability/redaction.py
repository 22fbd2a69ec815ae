"""Takes secrets out of text and structures before they are stored or shown."""

from __future__ import annotations

import re
from typing import Any

MASK = "••••••"

_SECRET_NAME = re.compile(
    r"(pass(word|wd|phrase)?|secret|token|api[-_]?key|authorization|cookie|credential"
    r"|private[-_]?key|client[-_]?secret|dsn)$",
    re.IGNORECASE,
)
_SECRET_TEXT = re.compile(
    r"""thub_[A-Za-z0-9_-]{8,}                       # our own keys
      | \b(?:sk|pk|rk|xox[abprs])-[A-Za-z0-9_-]{10,}   # providers' keys
      | \bgh[pousr]_[A-Za-z0-9]{20,}
      | \bAKIA[0-9A-Z]{16}\b
      | \beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{4,}           # JSON web tokens
      | (?<=://)[^/\s:@]+:[^/\s@]+(?=@)                # user:password@ in addresses
      | (?i:(?<=bearer\s))[A-Za-z0-9._~+/=-]{8,}
      | (?i:(?<=password=)|(?<=api_key=)|(?<=secret=)|(?<=token=))[^\s&,;"']+
    """,
    re.VERBOSE,
)


def redact_text(text: str) -> str:
    """Return the text with what looks like a secret replaced."""
    return _SECRET_TEXT.sub(MASK, text)


def redact(value: Any) -> Any:
    """Return a copy of a JSON-like value: secrets by key name and by pattern replaced."""
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, dict):
        return {
            key: MASK
            if isinstance(key, str) and _SECRET_NAME.search(key) and isinstance(item, str)
            else redact(item)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [redact(item) for item in value]
    return value

"""Read a distribution's license and say what kind it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import metadata
from types import MappingProxyType

from environment_audit import environment

PERMISSIVE, WEAK, STRONG, UNKNOWN = "permissive", "weak copyleft", "copyleft", "unknown"
_ORDER = (PERMISSIVE, WEAK, UNKNOWN, STRONG)

_PERMISSIVE = frozenset(
    {
        *("0bsd", "afl-3.0", "apache-2.0", "bsd-2-clause", "bsd-3-clause", "bsl-1.0", "cc0-1.0"),
        *("cnri-python", "hpnd", "isc", "mit", "mit-0", "mit-cmu", "ncsa", "postgresql"),
        *("psf-2.0", "python-2.0", "tcl", "unicode-3.0", "unlicense", "zlib", "zpl-2.1"),
    }
)

# What classifiers and free texts call the licenses, more special ones first.
_WORDS: Mapping[str, str] = MappingProxyType(
    {
        r"affero|agpl": "AGPL-3.0-only",
        r"lesser general|lgpl": "LGPL-3.0-only",
        r"mozilla|mpl": "MPL-2.0",
        r"general public|gpl": "GPL-3.0-only",
        r"apache": "Apache-2.0",
        r"bsd": "BSD-3-Clause",
        r"isc\b": "ISC",
        r"python software foundation|psf": "PSF-2.0",
        r"unlicense": "Unlicense",
        r"zope": "ZPL-2.1",
        r"\bmit\b|expat": "MIT",
    }
)


def license_of(distribution: metadata.Distribution) -> tuple[str, str]:
    """Return the license as an SPDX expression, and its kind; empty text when unknown."""
    expression = environment.field(distribution, "License-Expression") or _guessed(distribution)
    return expression, kind_of(expression)


def kind_of(expression: str) -> str:
    """Return the kind of an SPDX expression: the mildest of OR, the strictest of AND."""
    parts = re.findall(r"[()]|[^()\s]+", expression)
    kind = _any_of(parts) if parts else UNKNOWN
    # Words left over mean that it was not an SPDX expression.
    return UNKNOWN if parts else kind


def _any_of(parts: list[str]) -> str:
    kinds = [_all_of(parts)]
    while parts and parts[0].lower() == "or":
        parts.pop(0)
        kinds.append(_all_of(parts))
    return min(kinds, key=_ORDER.index)


def _all_of(parts: list[str]) -> str:
    kinds = [_one(parts)]
    while parts and parts[0].lower() == "and":
        parts.pop(0)
        kinds.append(_one(parts))
    return max(kinds, key=_ORDER.index)


def _one(parts: list[str]) -> str:
    name = parts.pop(0).lower() if parts else ""
    if name == "(":
        kind = _any_of(parts)
        if parts and parts[0] == ")":
            parts.pop(0)
        return kind
    # An exception after WITH only ever allows more.
    if parts and parts[0].lower() == "with":
        del parts[:2]
    return _single(name.rstrip("+"))


def _single(name: str) -> str:
    if name in _PERMISSIVE:
        return PERMISSIVE
    if name.startswith(("lgpl", "mpl", "epl", "cddl")):
        return WEAK
    return STRONG if name.startswith(("gpl", "agpl", "eupl", "sspl")) else UNKNOWN


def _guessed(distribution: metadata.Distribution) -> str:
    content = distribution.metadata
    classifiers = content.get_all("Classifier") if content is not None else None
    named = [item for item in classifiers or () if item.startswith("License :: ")]
    found = {_spdx(item.rpartition(" :: ")[2]) for item in named} - {""}
    if found:
        return " OR ".join(sorted(found))
    return _spdx(environment.field(distribution, "License"))


def _spdx(text: str) -> str:
    if text.lower() in _PERMISSIVE:
        return text
    lowered = text.lower()
    return next((name for word, name in _WORDS.items() if re.search(word, lowered)), "")

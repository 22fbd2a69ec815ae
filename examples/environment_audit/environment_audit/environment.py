"""What is installed here, read from the metadata of the distributions; nothing is imported."""

from __future__ import annotations

import csv
import platform
import re
import threading
from collections.abc import Iterable, Mapping
from importlib import metadata

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from environment_audit.kinds import Machine

MAX_TEXT = 200
# Parsing a marker builds a syntax tree, and CPython 3.11 counts the depth of those across
# threads: two at once may end in a SystemError.
_parsing = threading.Lock()


def installed() -> dict[str, metadata.Distribution]:
    """Return the distributions Python would import, by normalized name, sorted."""
    found: dict[str, metadata.Distribution] = {}
    for distribution in metadata.distributions():
        name = field(distribution, "Name")
        if name:
            found.setdefault(canonicalize_name(name), distribution)
    return dict(sorted(found.items()))


def copies() -> dict[str, int]:
    """Return how often each distribution that is there more than once is installed."""
    counts: dict[str, int] = {}
    for distribution in metadata.distributions():
        name = canonicalize_name(field(distribution, "Name") or "unnamed")
        counts[name] = counts.get(name, 0) + 1
    return {name: count for name, count in sorted(counts.items()) if count > 1}


def machine(packages: int) -> Machine:
    """Describe the interpreter, without the name of the host or a person."""
    return Machine(
        python=platform.python_version(),
        implementation=platform.python_implementation(),
        system=f"{platform.system()} {platform.machine()}",
        packages=packages,
    )


def field(distribution: metadata.Distribution, name: str) -> str:
    """Return one metadata field as one short line, empty when it is missing."""
    # Damaged distributions have no metadata at all.
    content = distribution.metadata
    value = content[name] if content is not None and name in content else ""
    return " ".join(str(value or "").split())[:MAX_TEXT]


def version(distribution: metadata.Distribution) -> str:
    """Return the version, empty when the metadata has none."""
    return field(distribution, "Version")


def size(distribution: metadata.Distribution) -> int | None:
    """Return the bytes of all files the distribution recorded, None without a record."""
    record = distribution.read_text("RECORD")
    if not record:
        return None
    sizes = (row[2] for row in csv.reader(record.splitlines()) if len(row) > 2)
    return sum(int(item) for item in sizes if item.isdigit())


def requirements(distribution: metadata.Distribution) -> tuple[Requirement, ...]:
    """Return what the distribution needs on this machine; optional extras do not count."""
    found = []
    for text in distribution.requires or ():
        try:
            with _parsing:
                requirement = Requirement(text)
        except InvalidRequirement:
            continue
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            found.append(requirement)
    return tuple(found)


def depths(needs: Mapping[str, Iterable[str]]) -> dict[str, int]:
    """Return the longest chain of requirements below each package; circles count once."""
    known: dict[str, int] = {}

    def depth(name: str, above: frozenset[str]) -> int:
        if name not in known:
            inner = [item for item in needs.get(name, ()) if item not in above and item in needs]
            below = [depth(item, above | {name}) for item in inner if item != name]
            known[name] = 1 + max(below) if below else 0
        return known[name]

    return {name: depth(name, frozenset()) for name in needs}


def needed_by(name: str) -> list[str]:
    """Return the installed packages that need this one."""
    return [
        other
        for other, distribution in installed().items()
        if any(canonicalize_name(item.name) == name for item in requirements(distribution))
    ]


def mentioned(text: str, names: Iterable[str]) -> list[str]:
    """Return the package names that a sentence mentions, the longest first."""
    words = {canonicalize_name(word.strip(".-_")) for word in re.findall(r"[\w.\-]+", text)}
    return sorted((name for name in names if name in words), key=len, reverse=True)

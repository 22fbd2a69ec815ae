"""What the scripted model knows to say about this environment."""

from __future__ import annotations

import platform
import re
from collections import Counter
from importlib import metadata

from environment_audit import checks, environment, licenses

HELP = (
    "Ask me about the Python packages installed here, for example: How many packages are there? "
    "Which version of django is installed? What needs packaging? Which licenses are in use? "
    "Which packages are the largest? Do any requirements conflict?"
)
SHOWN = 8


def answer(question: str) -> str:
    """Return an answer from the installed metadata; a question not understood gets help."""
    found = environment.installed()
    text = question.lower()
    named = environment.mentioned(text, found)
    if re.search(r"conflict|broken|missing|unmet", text):
        return _conflicts(found)
    if re.search(r"licen[cs]e", text):
        return _license_of(named[0], found) if named else _licenses(found)
    if named and re.search(r"\b(needs?|requires?|depends?|uses?)\b", text):
        return _relations(named[0], text, found)
    if re.search(r"large|big|size|space|disk", text):
        return _largest(found)
    if named:
        return _about(named[0], found)
    if re.search(r"how many|count|number", text):
        return f"{len(found)} packages are installed."
    if "python" in text:
        return f"This is {platform.python_implementation()} {platform.python_version()}."
    return HELP


def facts() -> str:
    """Return the environment in a few lines, for a model that knows nothing of it."""
    found = environment.installed()
    packages = ", ".join(f"{name} {environment.version(item)}" for name, item in found.items())
    return f"Python {platform.python_version()}. {_licenses(found)} Installed packages: {packages}."


def _about(name: str, found: dict[str, metadata.Distribution]) -> str:
    item = found[name]
    summary = environment.field(item, "Summary").rstrip(".") or "it says nothing about itself"
    return (
        f"{name} {environment.version(item)} is installed: {summary}. "
        f"It takes {checks.megabytes(environment.size(item))}. {_license_of(name, found)}"
    )


def _relations(name: str, text: str, found: dict[str, metadata.Distribution]) -> str:
    if re.search(rf"\b(needs?|requires?|uses?|depends? on)\s+{re.escape(name)}", text):
        users = environment.needed_by(name)
        return f"{name} is needed by {_listed(users)}." if users else f"Nothing needs {name}."
    needs = sorted({item.name for item in environment.requirements(found[name])})
    return f"{name} needs {_listed(needs)}." if needs else f"{name} needs no other package."


def _license_of(name: str, found: dict[str, metadata.Distribution]) -> str:
    expression, kind = licenses.license_of(found[name])
    if not expression:
        return f"{name} does not state its license in a form I recognize."
    return f"The license of {name} is {expression} ({kind})."


def _licenses(found: dict[str, metadata.Distribution]) -> str:
    kinds = Counter(licenses.license_of(item)[1] for item in found.values())
    parts = [f"{count} {kind}" for kind, count in kinds.most_common()]
    return f"Of {len(found)} packages by license: {', '.join(parts)}."


def _largest(found: dict[str, metadata.Distribution]) -> str:
    sizes = {name: environment.size(item) or 0 for name, item in found.items()}
    ranked = sorted(sizes, key=lambda name: sizes[name], reverse=True)[:5]
    parts = [f"{name} ({checks.megabytes(sizes[name])})" for name in ranked]
    return f"The largest packages are {_listed(parts)}."


def _conflicts(found: dict[str, metadata.Distribution]) -> str:
    packages = [checks.read(name, item) for name, item in found.items()]
    findings = checks.requirement_findings(packages, found)
    if not findings:
        return f"All requirements of the {len(found)} installed packages are met."
    parts = [f"{item.package}: {item.message}" for item in findings[:SHOWN]]
    return f"{len(findings)} requirements are not met. {' '.join(parts)}"


def _listed(names: list[str]) -> str:
    if len(names) > SHOWN:
        return f"{', '.join(names[:SHOWN])} and {len(names) - SHOWN} more"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)

"""Check the JSON of a `langgraph.json`: a key of the wrong shape is one clear sentence."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from threadhub.kernel.errors import Invalid


class ProjectError(Invalid):
    """The project as a whole cannot be read; the message says what to do."""

    code = "project_invalid"


def object_in(content: Mapping[str, Any], key: str, file: Path) -> Mapping[str, Any]:
    """Return the object under a key, empty where there is none. Raises ProjectError."""
    value = content.get(key) or {}
    if not isinstance(value, dict):
        raise ProjectError(f'{file}: "{key}" must be an object, not {kind(value)}.')
    return value


def number_in(content: Mapping[str, Any], key: str, file: Path) -> float | None:
    """Return the positive number under a key, None where there is none. Raises ProjectError."""
    value = content.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise ProjectError(f'{file}: "{key}" must be a number above zero.')
    return float(value)


def kind(value: object) -> str:
    """Return what a JSON value is, in words."""
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false"}
    return names.get(type(value), "nothing" if value is None else "a number")

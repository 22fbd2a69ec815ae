"""The `env` of a project: a file of NAME=value lines or a mapping; values stay private."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, MutableMapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.]*)\s*=\s*(.*)\Z")
_QUOTED = re.compile(r"(?P<quote>['\"])(?P<value>(?:\\.|(?!(?P=quote)).)*)(?P=quote)\s*(?:#.*)?\Z")

# A project may not steer the server or the interpreter that hosts it.
_RESERVED = ("DJANGO_", "LANGGRAPH_STRICT", "LD_", "PYTHON", "THREADHUB_")


class EnvError(ValueError):
    """`env` is neither a file name nor a mapping of texts."""


def read(value: object, *, root: Path, warnings: list[str]) -> dict[str, str]:
    """Return the variables a project names; what is left out is said in `warnings`."""
    if isinstance(value, str):
        found = _read_file(root / value, warnings) if value else {}
    elif isinstance(value, Mapping):
        found = _read_mapping(value)
    elif value is None:
        found = {}
    else:
        raise EnvError('"env" must be a file name or an object of texts.')
    return _without_reserved(found, warnings)


def apply(
    variables: Mapping[str, str], *, target: MutableMapping[str, str] = os.environ
) -> tuple[str, ...]:
    """Set what is not set yet. Returns the names whose value was already another one."""
    kept = []
    for name, value in variables.items():
        if target.setdefault(name, value) != value:
            kept.append(name)
    return tuple(sorted(kept))


def differing(one: Mapping[str, str], other: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names that both mappings give different values."""
    return tuple(sorted(name for name in one.keys() & other.keys() if one[name] != other[name]))


def parse(lines: Iterable[str]) -> tuple[dict[str, str], list[int]]:
    """Return the variables of an env file and the numbers of the lines not understood."""
    found: dict[str, str] = {}
    bad: list[int] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.match(line.rstrip("\r\n"))
        if match is None:
            bad.append(number)
        else:
            found[match[1]] = _value(match[2])
    return found, bad


def _value(text: str) -> str:
    quoted = _QUOTED.match(text)
    if quoted is None:
        return re.split(r"\s+#", text, maxsplit=1)[0].strip()
    if quoted["quote"] == "'":
        return quoted["value"]
    return re.sub(r"\\(.)", lambda m: {"n": "\n", "t": "\t"}.get(m[1], m[1]), quoted["value"])


def _read_file(file: Path, warnings: list[str]) -> dict[str, str]:
    try:
        found, bad = parse(file.read_text("utf-8-sig").splitlines())
    except FileNotFoundError:
        warnings.append(f"The env file {file} is missing; its variables are not set.")
        return {}
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no UTF-8 text file"
        warnings.append(f"The env file {file} cannot be read ({reason}); it is left out.")
        return {}
    warnings += [f"Line {number} of {file} is not NAME=value; it is left out." for number in bad]
    return found


def _read_mapping(value: Mapping[object, object]) -> dict[str, str]:
    result = {}
    for name, item in value.items():
        if isinstance(item, bool) or not isinstance(item, str | int | float):
            raise EnvError(f'"env" must give {name!r} a text.')
        result[str(name)] = str(item)
    return result


def _without_reserved(found: dict[str, str], warnings: list[str]) -> dict[str, str]:
    result = {}
    for name, value in found.items():
        if name.upper().startswith(_RESERVED) or not name or "=" in name or "\0" in name + value:
            warnings.append(f"The variable {name} is not set: it is not a project's to change.")
        else:
            result[name] = value
    return result

"""Between the text of a control and the JSON value it stands for."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext

if TYPE_CHECKING:
    from .reading import Part

# What a person left open.
ABSENT: Any = object()


class Unreadable(Exception):  # the sentence is for the field
    """The text stands for no such value; the message says what would."""


class Unshowable(Exception):  # the form says so in its own words
    """The field cannot show this value."""


def parse(part: Part, text: str) -> Any:
    """Return the value of what was typed, ABSENT for nothing. Raises Unreadable."""
    if not text.strip():
        return ABSENT
    if part.kind in {"text", "long"}:
        return text
    if part.kind == "message":
        return [{"type": "human", "content": text}]
    if part.kind == "list":
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return [_scalar(part.items, line) for line in lines]
    if part.kind == "choice":
        return _chosen(part, text)
    if part.kind == "boolean":
        return _boolean(text)
    return parse_json(text) if part.kind == "json" else _scalar(part.kind, text)


def show(part: Part, value: Any) -> str:
    """Return the text that stands for a value. Raises Unshowable."""
    if value is ABSENT or value is None:
        return ""
    if part.kind == "json":
        return as_text(value)
    if part.kind == "list":
        if not isinstance(value, list):
            raise Unshowable
        return "\n".join(_shown(part.items, item) for item in value)
    if part.kind == "message":
        return _message(value)
    if part.kind == "choice":
        return option(value)
    return _shown(part.kind, value)


def option(value: Any) -> str:
    """Return how a value of a choice stands in the page."""
    return value if isinstance(value, str) else json.dumps(value)


def parse_json(text: str) -> Any:
    """Return the JSON value. Raises Unreadable with line and column."""
    try:
        return json.loads(text, parse_constant=_refuse, parse_float=_number)
    except json.JSONDecodeError as error:
        told = gettext("This is no JSON: line %(line)d, column %(column)d: %(why)s.")
        place = {"line": error.lineno, "column": error.colno, "why": error.msg}
        raise Unreadable(told % place) from None
    except RecursionError:
        raise Unreadable(gettext("This JSON is nested too deeply.")) from None
    except ValueError:
        raise Unreadable(gettext("This JSON holds a number that is too large.")) from None


def as_text(value: Any) -> str:
    """Return JSON to read and to change."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def _refuse(name: str) -> Any:
    raise Unreadable(gettext("JSON has no value %s.") % name)


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError
    return number


def _scalar(kind: str, text: str) -> Any:
    text = text.strip()
    if kind == "text":
        return text
    try:
        number = json.loads(text, parse_constant=float, parse_float=_number)
    except ValueError:
        number = None
    wanted = int if kind == "integer" else int | float
    is_meant = isinstance(number, wanted) and not isinstance(number, bool)
    if not is_meant or not math.isfinite(number):
        words = {"integer": gettext("Enter a whole number."), "number": gettext("Enter a number.")}
        raise Unreadable(words[kind])
    return number


def _chosen(part: Part, text: str) -> Any:
    for value in part.options:
        if option(value) == text:
            return value
    raise Unreadable(gettext("Choose one of the given values."))


def _boolean(text: str) -> bool:
    if text not in {"true", "false"}:
        raise Unreadable(gettext("Choose yes or no."))
    return text == "true"


def _shown(kind: str, value: Any) -> str:
    is_flag = isinstance(value, bool)
    if kind == "boolean" and is_flag:
        return "true" if value else "false"
    if kind in {"text", "long"} and isinstance(value, str):
        return value
    if kind == "integer" and isinstance(value, int) and not is_flag:
        return str(value)
    if kind == "number" and isinstance(value, int | float) and not is_flag:
        return json.dumps(value)
    raise Unshowable


def _message(value: Any) -> str:
    first = value[0] if isinstance(value, list) and len(value) == 1 else None
    if isinstance(first, dict) and isinstance(text := first.get("content"), str):
        return text
    raise Unshowable

"""Check values against JSON Schemas that strangers wrote, in bounded time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match
from jsonschema.validators import extend
from pydantic_core import SchemaError, SchemaValidator, core_schema
from referencing import Registry

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

# More than this is no schema a person would answer by.
NODES = 5_000
DEPTH = 40
STEPS = 20_000
SHOWN = 20
TEXT = 300

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Violation:
    """What does not fit, and where: keys and positions from the outside in.

    `rule` is the keyword that refuses, `limit` its value, for those who say it in other words.
    """

    path: Path
    text: str
    rule: str = ""
    limit: Any = None


class _TooMuch(Exception):  # not an error: the schema is left unchecked
    """The schema asks for more work than it is worth."""


def violations(schema: Mapping[str, Any], value: Any) -> list[Violation]:
    """Return what does not fit, at most 20. A schema that cannot be used refuses nothing.

    Nothing is fetched, and no schema takes long: one that is too large, refers to itself
    without end or is none at all counts as absent.
    """
    if not is_bounded(schema):
        return []
    checker: Validator = _bounded()(schema, registry=Registry())
    try:
        return [_told(error) for error in islice(checker.iter_errors(value), SHOWN)]
    except Exception:  # noqa: BLE001  # a broken schema may break the checker anywhere
        return []


def is_bounded(schema: object) -> bool:
    """Say whether a schema is small enough to look at."""
    left = NODES
    waiting: list[tuple[object, int]] = [(schema, 0)]
    while waiting:
        part, depth = waiting.pop()
        left -= 1
        if depth > DEPTH or left - len(waiting) < 0:
            return False
        if isinstance(part, dict):
            waiting.extend((inner, depth + 1) for inner in part.values())
        elif isinstance(part, list):
            waiting.extend((inner, depth + 1) for inner in part)
    return True


def _told(error: ValidationError) -> Violation:
    # Of alternatives, the one that nearly fits says more than "under any of the schemas".
    nearest = best_match([error]) if error.context else error
    text = nearest.message
    return Violation(
        path=tuple(nearest.absolute_path),
        text=text if len(text) <= TEXT else f"{text[:TEXT]}…",
        rule=str(nearest.validator),
        limit=nearest.validator_value,
    )


def _bounded() -> Any:
    """Return a checker that counts its steps, with patterns that cannot run away."""
    left = STEPS

    def counted(keyword: Any) -> Any:
        def check(validator: Any, part: Any, value: Any, schema: Any) -> Iterator[ValidationError]:
            nonlocal left
            left -= 1
            if left < 0:
                raise _TooMuch
            yield from keyword(validator, part, value, schema) or ()

        return check

    own = {"pattern": _pattern, "required": _required, "uniqueItems": _unique}
    every = {**Draft202012Validator.VALIDATORS, **own}
    known = {name: counted(check) for name, check in every.items()}
    # These would run patterns of the schema, which may run away, over keys of the value.
    known |= dict.fromkeys(("patternProperties", "unevaluatedProperties"), _unchecked)
    known["additionalProperties"] = _unpatterned(known["additionalProperties"])
    return extend(Draft202012Validator, known)  # type: ignore[no-untyped-call]


def _unchecked(*_: Any) -> Iterator[ValidationError]:
    return iter(())


def _unpatterned(check: Any) -> Any:
    def checked(validator: Any, part: Any, value: Any, schema: Any) -> Iterator[ValidationError]:
        if "patternProperties" not in schema:
            yield from check(validator, part, value, schema)

    return checked


def _required(_: Any, names: Any, value: Any, __: Any) -> Iterator[ValidationError]:
    for name in names if isinstance(value, dict) else ():
        if name not in value:
            # The place is that of the missing value, not of what lacks it.
            yield ValidationError(f"{name!r} is required", path=[name])


def _unique(_: Any, is_wanted: Any, value: Any, __: Any) -> Iterator[ValidationError]:
    if is_wanted and isinstance(value, list):
        # Comparing each with each would take the square of their number.
        different = {json.dumps(item, sort_keys=True) for item in value}
        if len(different) < len(value):
            yield ValidationError("The same value is given twice")


def _pattern(_: Any, pattern: Any, value: Any, __: Any) -> Iterator[ValidationError]:
    matcher = _matcher(pattern) if isinstance(pattern, str) and isinstance(value, str) else None
    if matcher is not None and not matcher.isinstance_python(value):
        yield ValidationError(f"{value[:60]!r} does not match {pattern!r}")


@lru_cache(maxsize=256)
def _matcher(pattern: str) -> SchemaValidator | None:
    """Return what matches in linear time, as Pydantic does; None for what that cannot do."""
    rule = core_schema.str_schema(pattern=pattern, regex_engine="rust-regex")
    try:
        return SchemaValidator(rule)
    except SchemaError:
        return None

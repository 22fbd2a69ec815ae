"""Which items and namespaces a search means: LangGraph's filters and match conditions."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .refusals import BadQuery

_ORDERED: dict[str, Callable[[Any, Any], bool]] = {
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
}
OPERATORS = ("$eq", "$ne", *_ORDERED)
ANY = "*"


def checked_filter(wanted: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Return the filter. Raises BadQuery for an operator that does not exist."""
    for condition in (wanted or {}).values():
        _check(condition)
    return wanted or {}


def _check(condition: Any) -> None:
    if isinstance(condition, list | tuple):
        for inner in condition:
            _check(inner)
    elif isinstance(condition, Mapping):
        has_operators = _has_operators(condition)
        for name, inner in condition.items():
            if not has_operators:
                _check(inner)
            elif name not in OPERATORS:
                known = ", ".join(OPERATORS)
                raise BadQuery(f"There is no filter operator {str(name)[:60]!r}; use {known}.")


def _has_operators(condition: Mapping[str, Any]) -> bool:
    return any(str(name).startswith("$") for name in condition)


def matches(value: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Tell whether a value has what a filter wants at its top-level keys."""
    return all(_compare(value.get(name), condition) for name, condition in wanted.items())


def _compare(value: Any, condition: Any) -> bool:
    if isinstance(condition, Mapping):
        if _has_operators(condition):
            return all(_apply(value, name, operand) for name, operand in condition.items())
        return isinstance(value, Mapping) and matches(value, condition)
    if isinstance(condition, list | tuple):
        return (
            isinstance(value, list | tuple)
            and len(value) == len(condition)
            and all(_compare(*pair) for pair in zip(value, condition, strict=True))
        )
    return bool(value == condition)


def _apply(value: Any, name: str, operand: Any) -> bool:
    if name == "$eq":
        return bool(value == operand)
    if name == "$ne":
        return bool(value != operand)
    try:
        return _ORDERED[name](float(value), float(operand))
    except (TypeError, ValueError, OverflowError):
        # What is no number cannot fail a search; two texts have an order of their own.
        both_texts = isinstance(value, str) and isinstance(operand, str)
        return both_texts and _ORDERED[name](value, operand)


def is_below(namespace: Sequence[str], kind: str, path: Sequence[str]) -> bool:
    """Tell whether a namespace begins ("prefix") or ends ("suffix") with a path.

    Raises BadQuery for another kind.
    """
    if kind not in {"prefix", "suffix"}:
        raise BadQuery(f"Namespaces are matched by prefix or suffix, not by {str(kind)[:60]!r}.")
    if len(namespace) < len(path):
        return False
    labels = namespace[: len(path)] if kind == "prefix" else namespace[-len(path) or len(path) :]
    return all(part in {ANY, label} for label, part in zip(labels, path, strict=False))


def literal_start(path: Sequence[str]) -> Sequence[str]:
    """Return the labels of a path before its first wildcard."""
    return path[: path.index(ANY)] if ANY in path else path

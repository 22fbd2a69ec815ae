"""What flows from one thread to another: JMESPath from the output of one to the input of the other.

JMESPath reads data and cannot do anything else. An expression is short, and what is handed
over is what it finds: a path that leads nowhere is an error, not a null.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError, LexerError, ParseError
from jmespath.functions import Functions

from threadhub.kernel.errors import Conflict, Invalid

EXPRESSION_LENGTH = 256


class BadExpression(Invalid):
    """The text is no JMESPath expression; the message says where."""

    code = "bad_expression"


class DataMissing(Conflict):
    """What a dependency is to hand over is not in the output of `upstream`."""

    code = "data_missing"

    def __init__(self, message: str, *, upstream: str) -> None:
        super().__init__(message)
        self.upstream = upstream


@dataclass(frozen=True, slots=True)
class Flow:
    """What one upstream hands over: all of its output, or what the mapping finds in it."""

    upstream: str
    output: Mapping[str, Any]
    mapping: Mapping[str, str]


def check(expression: str) -> None:
    """Raise BadExpression for what is no JMESPath, or too long."""
    if len(expression) > EXPRESSION_LENGTH:
        raise BadExpression(f"This expression is longer than {EXPRESSION_LENGTH} characters.")
    try:
        parsed = jmespath.compile(expression).parsed
    except RecursionError:
        raise BadExpression("This expression is nested too deeply.") from None
    except (LexerError, ParseError) as error:
        raise BadExpression(_said(expression, error)) from None
    except JMESPathError:
        raise BadExpression("This expression is empty.") from None
    for name in _functions(parsed):
        if name not in Functions.FUNCTION_TABLE:
            raise BadExpression(f"JMESPath has no function `{name}`.")


def _said(expression: str, error: LexerError | ParseError) -> str:
    place = error.lex_position
    if place is None or place >= len(expression):
        return f"`{expression}` is no JMESPath expression: it ends too early."
    return (
        f"`{expression}` is no JMESPath expression: `{expression[place]}` at position {place + 1} "
        "does not belong there."
    )


def _functions(parsed: Mapping[str, Any]) -> Iterable[str]:
    if parsed["type"] == "function_expression":
        yield parsed["value"]
    for child in parsed["children"]:
        if isinstance(child, dict):
            yield from _functions(child)


def merged(own: Mapping[str, Any], flows: Iterable[Flow]) -> dict[str, Any]:
    """Return an input: one's own, below what the upstreams hand over in the order of their names.

    Raises DataMissing naming what is not there.
    """
    found = dict(own)
    for flow in sorted(flows, key=lambda flow: flow.upstream):
        found |= _handed_over(flow)
    return found


def _handed_over(flow: Flow) -> dict[str, Any]:
    if not flow.mapping:
        return dict(flow.output)
    return {key: _found(flow, expression) for key, expression in flow.mapping.items()}


def _found(flow: Flow, expression: str) -> Any:
    try:
        value = jmespath.search(expression, flow.output)
        if value is None and not _leads_to_null(flow.output, expression):
            said = f"`{expression}` is not in the output of {flow.upstream}."
            raise DataMissing(said, upstream=flow.upstream)
    except (ValueError, ArithmeticError) as error:
        # JMESPath's own errors, and what its functions leave to Python: `[::0]`, floor(inf).
        reason = str(error).splitlines()[0][:200]
        said = f"`{expression}` does not fit the output of {flow.upstream}: {reason}"
        raise DataMissing(said, upstream=flow.upstream) from None
    except RecursionError:
        said = f"The output of {flow.upstream} is nested too deeply for `{expression}`."
        raise DataMissing(said, upstream=flow.upstream) from None
    return value


class _Null:
    """Stands for a null that is there, which JMESPath cannot tell from one that is not."""


_NULL = _Null()


def _leads_to_null(output: Mapping[str, Any], expression: str) -> bool:
    try:
        return jmespath.search(expression, _marked(output)) is _NULL
    except (ValueError, ArithmeticError):
        return False


def _marked(value: Any) -> Any:
    if value is None:
        return _NULL
    if isinstance(value, Mapping):
        return {key: _marked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_marked(item) for item in value]
    return value

"""The error families every floor raises; each knows its HTTP status and a stable code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar


class ThreadHubError(Exception):
    """An expected failure: a stable `code`, and a message fit for the person who caused it."""

    status: ClassVar[int] = 500
    code: str = "error"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        fields: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.fields = dict(fields) if fields else None


class NotVisible(ThreadHubError):
    """The object does not exist for this person; missing and hidden look the same."""

    status = 404
    code = "not_found"


class NotAllowed(ThreadHubError):
    """The object is visible, the act is not allowed."""

    status = 403
    code = "not_allowed"


class Conflict(ThreadHubError):
    """The state of the object does not admit the act now."""

    status = 409
    code = "conflict"


class Invalid(ThreadHubError):
    """The input cannot be accepted; `fields` names what is wrong where."""

    status = 422
    code = "invalid"


class NotAvailable(ThreadHubError):
    """ThreadHub does not do this yet; `operation` begins the sentence: "Creating crons"."""

    status = 501
    code = "not_available"

    def __init__(self, operation: str) -> None:
        super().__init__(f"{operation} is not available yet.")


class Unavailable(ThreadHubError):
    """Something ThreadHub depends on is away; trying again later may succeed."""

    status = 503
    code = "unavailable"

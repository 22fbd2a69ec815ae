"""The correlation id: one per request, carried into tasks, events and audit entries."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from threadhub.kernel.ids import new_id

_current: ContextVar[str] = ContextVar("threadhub_correlation_id", default="")
_client: ContextVar[str] = ContextVar("threadhub_client_request_id", default="")

CLIENT_ID_LENGTH = 64


def current() -> str:
    """Return the correlation id in force, or an empty text outside requests and tasks."""
    return _current.get()


def client_id() -> str:
    """Return the caller's own request id, cut to 64 printable ASCII characters."""
    return _client.get()


@contextmanager
def correlated(correlation_id: str = "", *, client: str = "") -> Iterator[str]:
    """Put a correlation id in force; a new one is made unless one is handed over."""
    correlation_id = correlation_id or new_id().hex
    printable = "".join(c for c in client if c.isascii() and c.isprintable())
    token = _current.set(correlation_id)
    client_token = _client.set(printable[:CLIENT_ID_LENGTH])
    try:
        yield correlation_id
    finally:
        _client.reset(client_token)
        _current.reset(token)

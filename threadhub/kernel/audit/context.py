"""Who is acting now: set once per request, task and command, read when an entry is written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    """The acting person (None for ThreadHub itself), their label, address and program."""

    user_id: int | None = None
    label: str = "system"
    address: str | None = None
    agent: str = ""


SYSTEM = Actor()
_current: ContextVar[Actor] = ContextVar("threadhub_actor", default=SYSTEM)


def current_actor() -> Actor:
    """Return who is acting; ThreadHub itself where nobody is."""
    return _current.get()


@contextmanager
def acting_as(actor: Actor) -> Iterator[None]:
    """Attribute the entries written inside to this actor."""
    token = _current.set(actor)
    try:
        yield
    finally:
        _current.reset(token)


def attribute(actor: Actor) -> None:
    """Attribute the rest of the enclosing `acting_as` block to this actor.

    For callers that learn who acts only inside the block, as API authentication does.
    """
    _current.set(actor)

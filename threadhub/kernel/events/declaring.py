"""Which events exist and who reacts to them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any, TypeVar

from threadhub.kernel.registry import Registry

EventT = TypeVar("EventT")
Subscriber = Callable[[Any], None]

kinds: Registry[type[Any]] = Registry("Event")
_names: dict[type[Any], str] = {}
_subscribers: dict[str, list[Subscriber]] = defaultdict(list)


def declare(kind: str) -> Callable[[type[EventT]], type[EventT]]:
    """Name an event class; the name is stored and stays."""

    def register(event: type[EventT]) -> type[EventT]:
        kinds.add(kind, event)
        _names[event] = kind
        return event

    return register


def subscribe(event: type[EventT]) -> Callable[[Callable[[EventT], None]], Subscriber]:
    """Call the function for every event of the class; it must bear being called twice."""

    def register(function: Callable[[EventT], None]) -> Subscriber:
        _subscribers[_names[event]].append(function)
        return function

    return register


def kind_of(event: object) -> str:
    """Return the name of an event's class."""
    return _names[type(event)]


def subscribers_of(kind: str) -> list[Subscriber]:
    """Return who reacts to events of this name."""
    return _subscribers[kind]

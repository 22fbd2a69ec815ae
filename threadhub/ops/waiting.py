"""Wait, saying so once, for what a process needs and does not find at its start."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

PAUSE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Service:
    """Something outside: `ask` returns why it does not answer, empty when it does."""

    name: str
    place: str
    ask: Callable[[], str]


def wait(service: Service, *, say: Callable[[str], None]) -> None:
    """Return when the service answers; whatever `ask` raises ends the wait."""
    reason = service.ask()
    if not reason:
        return
    say(f"Waiting for {service.name} at {service.place}: {reason.rstrip('.')}.")
    pause = threading.Event()
    while service.ask():
        pause.wait(PAUSE_SECONDS)
    say(f"{service.name} answers.")

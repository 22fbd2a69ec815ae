"""The one place where tests wait for something that happens elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


def wait_until(
    predicate: Callable[[], Found],
    *,
    timeout: float = 10,
    interval: float = 0.02,
    message: str = "",
) -> Found:
    """Return the predicate's first true value. Raises AssertionError after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not (found := predicate()):
        if time.monotonic() > deadline:
            name = message or getattr(predicate, "__name__", repr(predicate))
            raise AssertionError(f"Not within {timeout:g} s: {name}")
        time.sleep(interval)  # noqa: TID251  # the one place
    return found

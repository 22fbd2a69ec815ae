"""Keep what a project's module changes for the whole process while it is imported."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from typing import Any

_SIGNALS = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGALRM", "SIGUSR1", "SIGCHLD")
    if hasattr(signal, name)
)


@contextlib.contextmanager
def preserved() -> Iterator[None]:
    """Put signal handlers, working directory and standard streams back after the block."""
    handlers = {number: signal.getsignal(number) for number in _SIGNALS}
    folder = os.getcwd()  # a path object costs more and says no more
    streams = sys.stdin, sys.stdout, sys.stderr
    try:
        yield
    finally:
        sys.stdin, sys.stdout, sys.stderr = streams
        with contextlib.suppress(OSError):
            os.chdir(folder)
        # Handlers belong to the main thread; elsewhere a module could not change them either.
        if threading.current_thread() is threading.main_thread():
            _restore(handlers)


def _restore(handlers: Mapping[int, Any]) -> None:
    for number, handler in handlers.items():
        # None stands for a handler that was not set from Python.
        if handler is not None and signal.getsignal(number) is not handler:
            signal.signal(number, handler)

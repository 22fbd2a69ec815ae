"""A private Redis: a socket, no files, no network."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import redis

from . import binaries
from .guarded import Guarded

START_SECONDS = 10
LOOK_SECONDS = 0.02


def why_unavailable() -> str:
    """Return why no private Redis can be started here, empty when it can."""
    return "" if binaries.redis() else "Redis is not installed (apt install redis-server)"


class RedisServer:
    """A running server; `url` names it, `stop` ends it."""

    def __init__(self) -> None:
        """Start the server and wait until it answers. Raises AssertionError."""
        program = binaries.redis()
        assert program is not None, why_unavailable()
        self._guarded = Guarded(prefix="threadhub-redis-")
        self._socket = self._guarded.folder / "redis.sock"
        files: list[str | Path] = ["--save", "", "--appendonly", "no", "--dir"]
        files.append(self._guarded.folder)
        self._guarded.start([program, "--port", "0", "--unixsocket", self._socket, *files])
        self._wait()

    @property
    def url(self) -> str:
        """The address in the form the settings read."""
        return f"unix://{self._socket}"

    def kill(self) -> None:
        """End the server as kill -9 does: what it held is gone."""
        self._guarded.end("KILL")

    def resume(self) -> None:
        """Start the server again, empty."""
        self._guarded.resume()
        self._wait()

    def keep_over_exec(self) -> None:
        """Let the program that replaces this process inherit the server."""
        self._guarded.keep_over_exec()

    def stop(self) -> None:
        """Stop the server and remove its folder."""
        self._guarded.stop()

    def _wait(self) -> None:
        pause, deadline = threading.Event(), time.monotonic() + START_SECONDS
        while not self._answers():
            assert time.monotonic() < deadline, "Redis did not start"
            pause.wait(LOOK_SECONDS)

    def _answers(self) -> bool:
        with redis.Redis(unix_socket_path=str(self._socket)) as client:
            try:
                return bool(client.ping())
            except redis.ConnectionError:
                return False

"""A private Redis for one test run: a socket, no files, no network."""

from __future__ import annotations

from pathlib import Path

import redis

from services import binaries
from services.guarded import Guarded
from services.waiting import wait_until


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
        files: list[str | Path] = [
            "--save",
            "",
            "--appendonly",
            "no",
            "--dir",
            self._guarded.folder,
        ]
        self._guarded.start([program, "--port", "0", "--unixsocket", self._socket, *files])
        wait_until(self._answers, timeout=10, message="Redis answers")

    @property
    def url(self) -> str:
        """The address in the form redis-py, Celery's transport and channels_redis read."""
        return f"unix://{self._socket}"

    def stop(self) -> None:
        """Stop the server and remove its folder."""
        self._guarded.stop()

    def _answers(self) -> bool:
        with redis.Redis(unix_socket_path=str(self._socket)) as client:
            try:
                return bool(client.ping())
            except redis.ConnectionError:
                return False

"""A private PostgreSQL: a fresh folder, a socket in it, no durability."""

from __future__ import annotations

import os
import pwd
import subprocess
import threading
import time
from pathlib import Path

from . import binaries
from .guarded import Ending, Guarded

USER = "postgres"
SETTINGS = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "max_connections=200",
    "listen_addresses=",
    "log_lock_waits=on",
    "deadlock_timeout=200ms",
)
INIT = ("-A", "trust", "-U", USER, "-E", "UTF8", "--no-sync", "--locale=C")
START_SECONDS = 30
LOOK_SECONDS = 0.02


def why_unavailable() -> str:
    """Return why no private PostgreSQL can be started here, empty when it can."""
    if binaries.postgres() is None:
        return "PostgreSQL is not installed (apt install postgresql)"
    if os.geteuid() == 0 and USER not in {entry.pw_name for entry in pwd.getpwall()}:
        return "PostgreSQL refuses root and there is no user postgres"
    return ""


class PostgresServer:
    """A running server; `url` names it, `stop` ends it and removes its files."""

    def __init__(self, *more: str) -> None:
        """Create the database files and start, with more settings of the form name=value.

        Raises AssertionError with the log's end.
        """
        folder = binaries.postgres()
        assert folder is not None, why_unavailable()
        self._programs = folder
        self._guarded = Guarded(prefix="threadhub-pg-", user=USER)
        self._socket = self._guarded.folder
        data = self._guarded.folder / "data"
        options = [part for setting in (*SETTINGS, *more) for part in ("-c", setting)]
        try:
            self._guarded.run([folder / "initdb", *INIT, "-D", data])
            self._guarded.start([folder / "postgres", "-D", data, "-k", self._socket, *options])
            self._wait()
        except BaseException:
            self.stop()
            raise

    @property
    def url(self) -> str:
        """The address in the form the settings read."""
        return self.url_of("threadhub")

    def url_of(self, database: str) -> str:
        """Return the address of a database of this server."""
        return f"postgresql://{USER}@/{database}?host={self._socket}"

    def create(self, database: str) -> None:
        """Create a database."""
        self._guarded.run([self._programs / "createdb", "-h", self._socket, "-U", USER, database])

    def end(self, ending: Ending) -> None:
        """End the server: INT is its fast stop, QUIT the immediate one that it recovers from."""
        self._guarded.end(ending)

    def resume(self) -> None:
        """Start the server again on its files."""
        self._guarded.resume()
        self._wait()

    def keep_over_exec(self) -> None:
        """Let the program that replaces this process inherit the server."""
        self._guarded.keep_over_exec()

    def stop(self) -> None:
        """Stop the server and remove its files."""
        self._guarded.stop()

    def _wait(self) -> None:
        pause, deadline = threading.Event(), time.monotonic() + START_SECONDS
        while not self._answers():
            assert time.monotonic() < deadline, self._log()
            pause.wait(LOOK_SECONDS)

    def _answers(self) -> bool:
        assert self._guarded.is_running(), "PostgreSQL did not start"
        ready: list[str | Path] = [self._programs / "pg_isready", "-q", "-t", "1"]
        return subprocess.run([*ready, "-h", self._socket], check=False).returncode == 0

    def _log(self) -> str:
        return (self._guarded.folder / "log").read_text(errors="replace")[-2000:]

"""A private PostgreSQL for one test run: a fresh folder, a socket in it, no durability."""

from __future__ import annotations

import os
import pwd
import subprocess
from pathlib import Path

from services import binaries
from services.guarded import Guarded
from services.waiting import wait_until

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


def why_unavailable() -> str:
    """Return why no private PostgreSQL can be started here, empty when it can."""
    if binaries.postgres() is None:
        return "PostgreSQL is not installed (apt install postgresql)"
    if os.geteuid() == 0 and USER not in {entry.pw_name for entry in pwd.getpwall()}:
        return "PostgreSQL refuses root and there is no user postgres"
    return ""


class PostgresServer:
    """A running server; `url` names it, `stop` ends it and removes its files."""

    def __init__(self) -> None:
        """Create the database files and start. Raises AssertionError with the log's end."""
        folder = binaries.postgres()
        assert folder is not None, why_unavailable()
        self._guarded = Guarded(prefix="threadhub-pg-", user=USER)
        self._socket = self._guarded.folder
        data = self._guarded.folder / "data"
        init: list[str | Path] = [
            folder / "initdb",
            "-A",
            "trust",
            "-U",
            USER,
            "-E",
            "UTF8",
            "--no-sync",
        ]
        try:
            self._guarded.run([*init, "--locale=C", "-D", data])
            options = [part for setting in SETTINGS for part in ("-c", setting)]
            self._guarded.start([folder / "postgres", "-D", data, "-k", self._socket, *options])
            ready: list[str | Path] = [folder / "pg_isready", "-q", "-t", "1", "-h", self._socket]
            wait_until(lambda: self._answers(ready), timeout=30, message="PostgreSQL answers")
        except BaseException:
            self.stop()
            raise

    @property
    def url(self) -> str:
        """The address in the form the settings read."""
        return f"postgresql://{USER}@/threadhub?host={self._socket}"

    def stop(self) -> None:
        """Stop the server and remove its files."""
        self._guarded.stop()

    def _answers(self, ready: list[str | Path]) -> bool:
        if not self._guarded.is_running():
            raise AssertionError("PostgreSQL did not start")
        return subprocess.run([str(part) for part in ready], check=False).returncode == 0

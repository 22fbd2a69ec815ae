"""One embedded process an installation: the lock under `var/`."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path

from threadhub.kernel.errors import Conflict


class AlreadyRunning(Conflict):
    """Another process serves this installation; the message says where."""

    code = "already_running"


class InstallationLock:
    """Held from start to end of the process; the system frees it when the process dies."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "lock"
        self._handle: int | None = None

    def take(self, *, address: str) -> None:
        """Take the lock and leave the address for others. Raises AlreadyRunning."""
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            raise AlreadyRunning(self._sentence()) from None
        os.truncate(handle, 0)
        os.write(handle, json.dumps({"address": address, "process": os.getpid()}).encode())
        self._handle = handle

    def release(self) -> None:
        """Give the lock up."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _sentence(self) -> str:
        try:
            holder = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            holder = {}
        where = holder.get("address", "another address")
        process = holder.get("process", "unknown")
        return (
            f"ThreadHub is already running on {self._path.parent}: {where} (process {process}). "
            "Use that one, stop it first, or set THREADHUB_VAR to another folder."
        )

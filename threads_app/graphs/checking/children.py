"""One forked process that tries a file, and what came through its pipes."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
import traceback
from collections.abc import Callable
from typing import Any

SHOWN_OUTPUT = 2000
_CHUNK = 65_536


class Child:
    """A process under trial. `done` holds what it reported, by graph."""

    def __init__(self, names: list[str], *, body: Callable[[int], None], keep: int) -> None:
        """Fork. The child runs `body` with the pipe to report on; `keep` is closed in it."""
        self.names = names
        self.done: dict[str, dict[str, Any]] = {}
        self.at = names[0]
        self.is_imported = False
        self.started = time.monotonic()
        self.status: int | None = None
        self.printed = 0
        self._shown = b""
        self._rest = b""
        self.results, results = os.pipe()
        self.output, output = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(keep)
            _become(results, output, body)
        os.close(results)
        os.close(output)

    @property
    def is_ended(self) -> bool:
        """Return whether the process is gone."""
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = status
        return self.status is not None

    def read(self, pipe: int) -> bool:
        """Read what is there on a pipe; False at its end."""
        try:
            data = os.read(pipe, _CHUNK)
        except OSError:
            data = b""
        if pipe == self.output:
            self.printed += len(data)
            self._shown = (self._shown + data)[:SHOWN_OUTPUT]
        else:
            self._take(data)
        return bool(data)

    def text(self) -> str:
        """Return the beginning of what it printed."""
        shown = self._shown.decode("utf-8", "replace").strip()
        more = self.printed - len(self._shown)
        return f"{shown}\n[{more} more bytes]" if more > 0 else shown

    def kill(self) -> None:
        """End the process and all it started in its group."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def close(self) -> None:
        """Close the pipes, kill what is left of the group, and wait for the process."""
        self.kill()
        if self.status is None:
            _, self.status = os.waitpid(self.pid, 0)
        os.close(self.results)
        os.close(self.output)

    def _take(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            said = json.loads(line)
            if "at" in said:
                self.at, self.is_imported = said["at"], False
            elif "imported" in said:
                self.is_imported = True
            else:
                self.done[said["graph"]["name"]] = said["graph"]


def _become(results: int, output: int, body: Callable[[int], None]) -> None:
    """Be the child: leads a group of its own, prints into the pipe, never returns."""
    code = 70
    try:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        body(results)
        code = 0
    except Exception:  # noqa: BLE001  # its last line becomes the sentence
        traceback.print_exc()
    finally:
        # Threads that the module started must not keep the process.
        os._exit(code)

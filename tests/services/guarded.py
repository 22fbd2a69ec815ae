"""Run a private server that ends with the test process, whatever ends the test process."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# The pipe's other end closes when the test process ends, even by SIGKILL; then the server is
# stopped and its folder removed. A session of its own keeps Ctrl-C in the terminal away.
GUARD = """
folder=$1; shift
"$@" >"$folder/log" 2>&1 </dev/null &
read -r _
kill -INT $!; wait $!
rm -rf "$folder"
"""


class Guarded:
    """A server process with a folder of its own; both are gone after `stop`."""

    def __init__(self, *, prefix: str, user: str | None = None) -> None:
        """Make the folder, owned by `user` when the tests run as root."""
        self.user = user if os.geteuid() == 0 else None
        # A socket's path must be short and open to that user; TMPDIR may be neither.
        self.folder = Path(tempfile.mkdtemp(prefix=prefix, dir="/tmp"))
        if self.user:
            shutil.chown(self.folder, self.user, self.user)
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, command: Sequence[str | Path]) -> None:
        """Run a preparing command as the server's user. Raises CalledProcessError."""
        subprocess.run(command, check=True, capture_output=True, **self._identity())

    def start(self, command: Sequence[str | Path]) -> None:
        """Start the server; its output goes to `log` in the folder."""
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", GUARD, "guard", str(self.folder), *map(str, command)],
            stdin=subprocess.PIPE,
            start_new_session=True,
            **self._identity(),
        )

    def is_running(self) -> bool:
        """Say whether the server's guard is still there."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """Stop the server and remove its folder; safe to call twice."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            self._process.wait(timeout=30)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _identity(self) -> dict[str, Any]:
        if self.user is None:
            return {"cwd": self.folder}
        group = pwd.getpwnam(self.user).pw_gid
        return {"cwd": self.folder, "user": self.user, "group": group, "extra_groups": []}

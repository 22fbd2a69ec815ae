"""Run a private server that ends with the process that asked for it, whatever ends that one."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, Literal

# The pipe's other end closes when the asking process ends, even by SIGKILL; then the server is
# stopped and its folder removed. A session of its own keeps Ctrl-C in the terminal away.
GUARD = """
folder=$1; shift; exec 2>>"$folder/guard.log"
while read -r word; do
  case $word in
    START) "$@" >>"$folder/log" 2>&1 </dev/null & ;;
    *) kill -"$word" $!; wait $! ;;
  esac
  echo done
done
kill -INT $!; wait $!
rm -rf "$folder"
"""
# How a server can end: at once, in order, or as after a crash that it notices.
Ending = Literal["KILL", "INT", "QUIT"]
STOP_SECONDS = 30


class Guarded:
    """A server process with a folder of its own; both are gone after `stop`."""

    def __init__(self, *, prefix: str, user: str | None = None) -> None:
        """Make the folder, owned by `user` when asked for by root."""
        self.user = user if os.geteuid() == 0 else None
        # A socket's path must be short and open to that user; TMPDIR may be neither.
        self.folder = Path(tempfile.mkdtemp(prefix=prefix, dir="/tmp"))  # mode 700
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
            stdout=subprocess.PIPE,
            start_new_session=True,
            **self._identity(),
        )
        self._tell("START")

    def end(self, ending: Ending) -> None:
        """End the server and keep its files; returns when it has ended."""
        self._tell(ending)

    def resume(self) -> None:
        """Start the server again on its files."""
        self._tell("START")

    def is_running(self) -> bool:
        """Say whether the server's guard is still there."""
        return self._process is not None and self._process.poll() is None

    def keep_over_exec(self) -> None:
        """Let the program that replaces this process inherit the server."""
        os.set_inheritable(self._pipe("stdin").fileno(), True)  # noqa: FBT003

    def stop(self) -> None:
        """Stop the server and remove its folder; safe to call twice."""
        if self._process is not None:
            self._pipe("stdin").close()
            self._process.wait(timeout=STOP_SECONDS)
            self._pipe("stdout").close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _tell(self, word: str) -> None:
        stdin = self._pipe("stdin")
        stdin.write(f"{word}\n".encode())
        stdin.flush()
        self._pipe("stdout").readline()

    def _pipe(self, name: Literal["stdin", "stdout"]) -> IO[bytes]:
        pipe = getattr(self._process, name)
        assert pipe is not None  # opened by `start`
        return pipe

    def _identity(self) -> dict[str, Any]:
        if self.user is None:
            return {"cwd": self.folder}
        group = pwd.getpwnam(self.user).pw_gid
        return {"cwd": self.folder, "user": self.user, "group": group, "extra_groups": []}

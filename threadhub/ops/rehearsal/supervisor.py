"""Keeps a few processes running, as an init system would, and ends them in order."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence

from django.conf import settings

LOOK_SECONDS = 0.2
RESTART_SECONDS = 1.0
# What a process may take beside handing back its runs.
GRACE_SECONDS = 10.0
MISCONFIGURED = 2


class Supervisor:
    """Starts management commands as children, and again when one dies."""

    def __init__(
        self,
        commands: Mapping[str, Sequence[str]],
        *,
        pass_fds: Iterable[int],
        say: Callable[[str], None],
    ) -> None:
        """Take the words after `manage.py` of each child, by the name to call it."""
        self._commands = commands
        self._fds = tuple(pass_fds)
        self._say = say
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def run(self, stopping: threading.Event) -> int:
        """Keep the children running until told to stop; return 2 if one cannot, else 0."""
        for name in self._commands:
            self._start(name)
        try:
            while not stopping.wait(LOOK_SECONDS):
                if self._look(stopping) == MISCONFIGURED:
                    return MISCONFIGURED
        finally:
            self._stop()
        return 0

    def _start(self, name: str) -> None:
        # Where the system knows how, a child ends with this process, even after SIGKILL.
        setpriv = shutil.which("setpriv")
        bound = [setpriv, "--pdeathsig", "TERM", "--"] if setpriv else []
        # A session of its own: Ctrl-C reaches this process, which ends the others in order.
        self._children[name] = subprocess.Popen(
            [*bound, sys.executable, "manage.py", *self._commands[name]],
            cwd=settings.BASE_DIR,
            stdin=subprocess.DEVNULL,
            pass_fds=self._fds,
            start_new_session=True,
        )

    def _look(self, stopping: threading.Event) -> int:
        for name, child in self._children.items():
            code = child.poll()
            if code is None:
                continue
            self._say(f"{name} ended with code {code}.")
            if code == MISCONFIGURED:
                return code
            if not stopping.wait(RESTART_SECONDS):
                self._start(name)
        return 0

    def _stop(self) -> None:
        for child in self._children.values():
            child.terminate()
        for child in self._children.values():
            try:
                child.wait(settings.STOP_SECONDS + GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

"""A ThreadHub server as a process of its own, which a test may kill."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx

from services.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    """Return a port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class ThreadHubProcess:
    """`manage.py serve` on a folder; `kill` is kill -9, `start` continues on what is there."""

    def __init__(self, *, var: Path, project: Path, **settings: str) -> None:
        self.var = var
        self.port = free_port()
        self.log = var.parent / f"{var.name}.log"
        ours = {f"THREADHUB_{name}": value for name, value in settings.items() if name.isupper()}
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("THREADHUB_", "DJANGO_"))}
        self.environment = {
            **kept,
            **ours,
            "THREADHUB_VAR": str(var),
            "THREADHUB_PROJECTS": str(project),
            "THREADHUB_PORT": str(self.port),
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server and wait until it answers. Raises AssertionError with its log."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "manage.py", "serve"],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        wait_until(self._answers, timeout=180, message="the server answers")

    def kill(self) -> None:
        """Kill the server, if it runs, the hard way."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def stop(self) -> int:
        """Ask the server to stop and return its exit code."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(timeout=60)

    def command(self, *words: str) -> str:
        """Run a management command on the same installation and return what it prints."""
        done = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def client(self, user: str = "admin") -> httpx.Client:
        """Return an HTTP client of the API with a key of the person's own."""
        key = self.command("create_api_key", user)
        address = f"http://127.0.0.1:{self.port}/api"
        return httpx.Client(base_url=address, headers={"X-Api-Key": key}, timeout=60)

    def _answers(self) -> Any:
        assert self._process is not None
        if self._process.poll() is not None:
            raise AssertionError(f"The server ended:\n{self.log.read_text()[-4000:]}")
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/ok").is_success
        except httpx.TransportError:
            return False

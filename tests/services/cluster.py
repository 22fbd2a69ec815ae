"""A cluster of processes on private servers, each of which a test may kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import psycopg

from services.threadhub_process import ROOT, free_port
from services.waiting import wait_until
from threadhub.ops.rehearsal.postgres_server import PostgresServer
from threadhub.ops.rehearsal.redis_server import RedisServer

RING = '{"active":"k1","keys":{"k1":"b25seS1mb3ItdGVzdHMtb25seS1mb3ItdGVzdHMtb28="}}'
SECRET = "only-for-tests-" + "x" * 40


def environment(**settings: str) -> dict[str, str]:
    """Return the environment of a process of a cluster, without the developer's settings."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("THREADHUB_", "DJANGO_"))}
    ours = {f"THREADHUB_{name}": value for name, value in settings.items()}
    return {
        **kept,
        "DJANGO_SETTINGS_MODULE": "threadhub.settings.cluster",
        "THREADHUB_SECRET_KEY": SECRET,
        "THREADHUB_KEYS": RING,
        "THREADHUB_SECURE_COOKIES": "no",
        **ours,
    }


class ClusterProcess:
    """One `manage.py` process; `kill` is kill -9, `start` starts it anew."""

    def __init__(self, *words: str, log: Path, environment: Mapping[str, str]) -> None:
        self.log = log
        self._words = words
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process; its output is added to the log."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "manage.py", *self._words],
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    @property
    def pid(self) -> int:
        """The number of the process started last."""
        assert self._process is not None
        return self._process.pid

    def says(self, text: str, *, timeout: float = 60) -> None:
        """Wait until the text stands in the log. Raises AssertionError."""
        wait_until(lambda: self._has_said(text), timeout=timeout, message=f"{self.log}: {text}")

    def _has_said(self, text: str) -> bool:
        said = self.log.read_text()
        assert self._process is not None
        assert text in said or self._process.poll() is None, said[-4000:]
        return text in said

    def kill(self) -> None:
        """End the process the hard way, if it runs."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def stop(self) -> int:
        """Ask the process to stop and return its exit code."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(timeout=60)


class Cluster:
    """PostgreSQL, Redis, two web and two worker processes, each web at an address of its own."""

    def __init__(self, folder: Path, *, project: Path, **settings: str) -> None:
        # An immediate stop would lose what was committed otherwise.
        self.postgres, self.redis = PostgresServer("synchronous_commit=on"), RedisServer()
        self.postgres.create("threadhub")
        self.folder = folder
        self.environment = environment(
            DATABASE_URL=self.postgres.url,
            REDIS_URL=self.redis.url,
            VAR=str(folder / "var"),
            PROJECTS=str(project),
            **settings,
        )
        self.ports = [free_port(), free_port()]
        self.webs = [self.process(f"web-{p}", "web", "--port", str(p)) for p in self.ports]
        self.workers = [self.process(f"worker-{n}", "worker") for n in (1, 2)]
        self._made = [*self.webs, *self.workers]

    def process(self, name: str, *words: str) -> ClusterProcess:
        """Return a process of this cluster that has not been started."""
        log = self.folder / f"{name}.log"
        return ClusterProcess(*words, log=log, environment=self.environment)

    def start(self) -> None:
        """Prepare the installation, start every process and wait until they work."""
        self.command("prepare")
        for process in self._made:
            process.start()
        for web in self.webs:
            web.says("Web process")
        for worker in self.workers:
            worker.says("runs at a time")

    def stop(self) -> None:
        """End every process and both servers."""
        for process in self._made:
            process.kill()
        self.redis.stop()
        self.postgres.stop()

    def command(self, *words: str) -> str:
        """Run a management command to its end and return what it prints."""
        done = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def client(self, web: int, *, key: str) -> httpx.Client:
        """Return an HTTP client of one web process."""
        address = f"http://127.0.0.1:{self.ports[web]}/api"
        return httpx.Client(base_url=address, headers={"X-Api-Key": key}, timeout=60)

    def rows(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Return what a query finds in the database."""
        with psycopg.connect(self.postgres.url) as connection:
            return connection.execute(sql, parameters).fetchall()

    def worker_of(self, run: str) -> ClusterProcess:
        """Wait until a worker executes the run and return it."""
        query = "SELECT owner FROM threads_run WHERE public_id = %s AND status = 'running'"
        ((owner,),) = wait_until(lambda: self.rows(query, run), message="the run is claimed")
        return next(worker for worker in self.workers if str(worker.pid) == owner.split(":")[1])

    def wait_for(self, condition: Callable[[], object], *, message: str) -> None:
        """Wait, long enough for a crowded machine, until something holds."""
        wait_until(condition, timeout=60, message=message)

"""`manage.py cluster`: a stranger's first look at several processes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from services import requirement
from services.cluster import ClusterProcess
from services.threadhub_process import free_port
from services.waiting import wait_until
from threadhub.ops.rehearsal import postgres_server, redis_server, servers

pytestmark = pytest.mark.slow


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def rehearsal(
    tmp_path: Path, port: int, child_environment: dict[str, str]
) -> Iterator[ClusterProcess]:
    """Return the command, not started, with the demo project."""
    if reason := postgres_server.why_unavailable() or redis_server.why_unavailable():
        requirement.lacking(reason)
    environment = {**child_environment, "THREADHUB_PORT": str(port)}
    process = ClusterProcess("cluster", log=tmp_path / "log", environment=environment)
    yield process
    process.kill()


def folders_of_servers(pid: int) -> set[str]:
    """Return where the private servers of a process keep their files."""
    command = ["ps", "-ww", "--ppid", str(pid), "-o", "args="]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"/tmp/threadhub-\w+-\w+", shown))


def test_a_cluster_runs_the_demo_behind_one_address_and_leaves_nothing(
    rehearsal: ClusterProcess, tmp_path: Path, port: int
) -> None:
    rehearsal.start()
    rehearsal.says("Stop with Ctrl-C.")
    log = rehearsal.log
    folders = folders_of_servers(rehearsal.pid)
    (link,) = re.findall(r"http://\S+/sign-in/\S+", log.read_text())
    wait_until(lambda: log.read_text().count("runs at a time") == 2, timeout=60)
    (worker, _) = re.findall(r"Worker (\d+) takes", log.read_text())

    # Whichever process answers each of these requests.
    with httpx.Client(follow_redirects=True) as browser:
        assert "/console/" in str(browser.get(link).url)
        assert httpx.get(link).status_code == 410
        page = f"http://127.0.0.1:{port}/console/sessions_app/session/?status__exact=waiting"
        wait_until(lambda: "Environment audit" in browser.get(page).text, timeout=60, interval=0.3)
    os.kill(int(worker), signal.SIGKILL)
    wait_until(lambda: log.read_text().count("runs at a time") == 3, timeout=60)
    code = rehearsal.stop()

    assert (code, len(folders)) == (0, 2)
    assert (tmp_path / "var" / "cluster" / "people.txt").read_text().startswith("admin\t")
    wait_until(lambda: not any(Path(folder).exists() for folder in folders), timeout=30)


def test_missing_servers_are_named_with_their_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(servers.PACKAGES, "redis-server", lambda: None)

    with pytest.raises(servers.ServersMissing, match="apt install redis-server"):
        servers.start(var=tmp_path)

"""Private servers end with the process that started them, whatever ends it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from architecture.source_tree import ROOT
from services import requirement
from threadhub.ops.rehearsal import postgres_server, redis_server

KEEP_ONE = """
import sys
from threadhub.ops.rehearsal.{module} import {server}
print({server}().url, flush=True)
sys.stdin.read()
"""


def lines_of(module: str, server: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", KEEP_ONE.format(module=module, server=server)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    ("module", "server", "separator", "reason"),
    [
        ("postgres_server", "PostgresServer", "host=", postgres_server.why_unavailable()),
        ("redis_server", "RedisServer", "unix://", redis_server.why_unavailable()),
    ],
)
def test_a_killed_process_leaves_no_server_and_no_files(
    wait_until: Callable[..., object], module: str, server: str, separator: str, reason: str
) -> None:
    if reason:
        requirement.lacking(reason)
    keeper = lines_of(module, server)
    assert keeper.stdout is not None
    socket = Path(keeper.stdout.readline().strip().split(separator)[1])
    folder = socket if socket.is_dir() else socket.parent
    assert folder.is_dir()

    keeper.send_signal(signal.SIGKILL)
    keeper.communicate()

    wait_until(lambda: not folder.exists(), timeout=20, message=f"{folder} is gone")

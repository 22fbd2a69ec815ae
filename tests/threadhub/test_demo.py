"""`make demo`: the main job without a browser, as a process of its own."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
MANAGE = [sys.executable, str(ROOT / "manage.py")]
ROW = re.compile(r"│ (\w+) +│ (\w+) +│ +(\d+) │ +(\d+) │ +(\d+) │")

pytestmark = pytest.mark.slow


def environment(var: Path) -> dict[str, str]:
    """The environment of a ThreadHub process of this module's own; see child_environment."""
    ours = ("THREADHUB_", "DJANGO_", "PYTEST_", "COV_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**kept, "THREADHUB_VAR": str(var)}


def demo(environ: dict[str, str], **settings: str) -> subprocess.CompletedProcess[str]:
    """Run the command from a folder that is not the checkout's."""
    given = {f"THREADHUB_{name}": value for name, value in settings.items()}
    return subprocess.run(
        [*MANAGE, "demo"],
        env={**environ, **given},
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def reports(var: Path) -> list[Path]:
    return sorted((var / "reports").glob("*.md"))


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return environment(tmp_path_factory.mktemp("installation") / "var")


@pytest.fixture(scope="module")
def approved(installation: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return demo(installation)


@pytest.fixture(scope="module")
def rejected(installation: dict[str, str], approved: object) -> subprocess.CompletedProcess[str]:
    return demo(installation, DEMO_APPROVE="no")


def test_it_publishes_a_report_about_real_packages(
    installation: dict[str, str], approved: subprocess.CompletedProcess[str]
) -> None:
    [report] = reports(Path(installation["THREADHUB_VAR"]))

    assert approved.returncode == 0, approved.stderr
    assert f"Report: {report}" in approved.stdout
    assert "| django |" in report.read_text(encoding="utf-8")


def test_it_shows_what_its_three_threads_did(approved: subprocess.CompletedProcess[str]) -> None:
    rows = ROW.findall(approved.stdout)

    assert [row[:3] for row in rows] == [
        ("inventory", "success", "1"),
        ("analysis", "success", "1"),
        ("report", "success", "2"),
    ], approved.stderr
    assert all(int(steps) and int(checkpoints) for *_, steps, checkpoints in rows)
    assert re.search(r"│ Total .*│ +4 │ +11 │", approved.stdout)
    order = [line.split() for line in approved.stdout.splitlines() if line.endswith("success")]
    assert order == [["inventory", "success"], ["analysis", "success"], ["report", "success"]]


def test_a_rejection_on_purpose_is_a_success_without_another_report(
    installation: dict[str, str], rejected: subprocess.CompletedProcess[str]
) -> None:
    assert rejected.returncode == 0, rejected.stderr
    assert "Rejected, as asked" in rejected.stdout
    assert len(reports(Path(installation["THREADHUB_VAR"]))) == 1


def test_people_are_made_once(
    approved: subprocess.CompletedProcess[str],
    rejected: subprocess.CompletedProcess[str],
) -> None:
    assert "people.txt" in approved.stdout
    assert "people.txt" not in rejected.stdout


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"DEMO_APPROVE": "maybe"}, "APPROVE=maybe is neither yes nor no."),
        ({"PROJECTS": "/nowhere/langgraph.json"}, "There is no file /nowhere/langgraph.json"),
    ],
)
def test_bad_input_ends_with_one_sentence_and_code_2(
    child_environment: dict[str, str], settings: dict[str, str], sentence: str
) -> None:
    result = demo(child_environment, **settings)

    assert result.returncode == 2
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr


def test_ctrl_c_cancels_the_plan_and_says_so_to_the_shell(
    child_environment: dict[str, str],
) -> None:
    process = subprocess.Popen(
        [*MANAGE, "demo"],
        env=child_environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("inventory"):
            break
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)

    assert process.returncode == 130, errors
    assert "Canceling the plan" in errors
    assert "Traceback" not in errors


@pytest.fixture
def server(
    child_environment: dict[str, str], wait_until: Callable[..., object], tmp_path: Path
) -> Iterator[str]:
    """A running server on the same installation; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    address = f"http://127.0.0.1:{port}"
    with (tmp_path / "server.log").open("w") as output:
        process = subprocess.Popen(
            [*MANAGE, "serve", "--port", port],
            env=child_environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_until(lambda: answers(address), timeout=60, message="the server answers")
            yield address
        finally:
            process.terminate()
            process.wait(timeout=60)


def answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/ok", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def test_it_works_beside_a_running_server_which_knows_the_session_then(
    child_environment: dict[str, str], server: str
) -> None:
    result = demo(child_environment)
    [report] = reports(Path(child_environment["THREADHUB_VAR"]))
    headers = key_of(child_environment)
    sessions = httpx.get(f"{server}/api/sessions", headers=headers).json()["items"]
    shown = [
        httpx.get(f"{server}/api/sessions/{session['session_id']}", headers=headers).json()
        for session in sessions
    ]

    assert result.returncode == 0, result.stderr
    found = {
        (thread["name"], thread["thread_id"]): session["status"]
        for session in shown
        for thread in session["threads"]
    }
    assert found["report", report.stem] == "finished"
    # The server's own demo asks its question beside it.
    assert sorted(session["status"] for session in shown)[0] == "finished"


def key_of(environ: dict[str, str]) -> dict[str, str]:
    made = subprocess.run(
        [*MANAGE, "create_api_key", "operator"],
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    return {"X-Api-Key": made.stdout.strip()}

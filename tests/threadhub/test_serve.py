"""`manage.py serve`, as a stranger meets it."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from services.threadhub_process import ROOT, ThreadHubProcess
from services.waiting import wait_until

DEMO = ROOT / "examples" / "environment_audit" / "langgraph.json"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ThreadHubProcess]:
    """Return a server of the demo project that has not been started."""
    process = ThreadHubProcess(var=tmp_path / "var", project=DEMO)
    yield process
    process.kill()


def serve(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `manage.py serve` to its end."""
    return subprocess.run(
        [sys.executable, "manage.py", "serve", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def link_in(log: Path) -> str:
    """Return the sign-in link printed last."""
    wait_until(lambda: "Stop with Ctrl-C" in log.read_text(), message="the start is announced")
    return re.findall(r"http://\S+/sign-in/\S+", log.read_text())[-1]


def test_a_first_start_has_people_a_link_and_a_demo_session(server: ThreadHubProcess) -> None:
    server.start()

    people = server.var / "people.txt"
    names = [line.split("\t")[0] for line in people.read_text().splitlines()]
    assert names == ["admin", "operator", "auditor", "stranger"]
    assert people.stat().st_mode & 0o777 == 0o600
    with server.client("operator") as api, server.client("stranger") as stranger:
        wait_until(lambda: api.get("/interrupts").json(), timeout=60, message="the demo asks")
        (session,) = api.get("/sessions").json()["items"]
        assert (session["title"], session["status"]) == ("Environment audit", "waiting")
        (question,) = api.get("/interrupts").json()
        path = f"/sessions/{session['session_id']}"
        assert api.get(f"{path}/threads/report").json()["thread_id"] == question["thread_id"]
        assert stranger.post("/threads/search", json={}).json() == []
        assert stranger.get("/sessions").json()["items"] == []
        assert stranger.get(path).status_code == 404
        assert stranger.get(f"/threads/{question['thread_id']}").status_code == 404
        graphs = {graph["graph_id"] for graph in api.get("/graphs").json()}
        assert graphs == {"inventory", "analysis", "report", "chat"}


def test_the_link_signs_the_admin_in_once(server: ThreadHubProcess) -> None:
    server.start()
    link = link_in(server.log)

    with httpx.Client(follow_redirects=True) as browser:
        page = browser.get(link)
        assert page.status_code == 200 and "/console/" in str(page.url)
        assert "admin" in page.text
    with httpx.Client(follow_redirects=True) as browser:
        again = browser.get(link)
        assert again.status_code == 410 and "does not work any more" in again.text
        assert "login" in str(browser.get(f"http://localhost:{server.port}/").url)


def test_a_second_start_makes_nothing_twice_and_prints_another_link(
    server: ThreadHubProcess,
) -> None:
    server.start()
    people, link = (server.var / "people.txt").read_text(), link_in(server.log)
    with server.client("operator") as api:
        wait_until(lambda: api.get("/interrupts").json(), timeout=60, message="the demo asks")
        assert server.stop() == 0

        server.log.write_text("")
        server.start()

        assert (server.var / "people.txt").read_text() == people
        assert link_in(server.log) != link
        assert len(api.get("/sessions").json()["items"]) == 1


def test_a_second_process_on_the_same_folder_is_told_where_the_first_is(
    server: ThreadHubProcess,
) -> None:
    server.start()

    done = serve({**server.environment, "THREADHUB_PORT": str(server.port + 1)})

    assert done.returncode == 2
    assert f"already running on {server.var}: http://127.0.0.1:{server.port}" in done.stderr
    assert httpx.get(f"http://127.0.0.1:{server.port}/ok").json() == {"ok": True}


def test_a_taken_port_is_named_with_another(server: ThreadHubProcess) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", server.port))
        taken.listen()

        done = serve(server.environment)

    assert done.returncode == 2
    assert f"Port {server.port} on 127.0.0.1 cannot be used" in done.stderr
    assert "make run PORT=" in done.stderr


def test_other_machines_are_let_in_only_after_the_admin_chose_a_password(
    server: ThreadHubProcess,
) -> None:
    done = serve({**server.environment, "THREADHUB_HOST": "0.0.0.0"})

    assert done.returncode == 2
    assert "Set your own first" in done.stderr and "changepassword admin" in done.stderr


def test_projects_that_cannot_load_are_named_and_the_others_are_served(tmp_path: Path) -> None:
    wanted = {
        "{": "line 1",
        '{"graphs": {"a": "./nowhere.py:graph"}}': "nowhere.py",
        '{"graphs": {"b": "no_such_module_x:graph"}}': "no_such_module_x",
        "": "missing/langgraph.json",
    }
    projects = [tmp_path / name / "langgraph.json" for name in ("one", "two", "three", "missing")]
    for project, content in zip(projects, wanted, strict=True):
        project.parent.mkdir()
        if content:
            project.write_text(content)
    every = Path(os.pathsep.join(map(str, [*projects, DEMO])))
    server = ThreadHubProcess(var=tmp_path / "var", project=every)
    server.start()
    try:
        log = server.log.read_text()
        assert [text for text in wanted.values() if text not in log] == []
        with server.client() as api:
            status = {graph["graph_id"]: graph["status"] for graph in api.get("/graphs").json()}
            assert {name for name in status if status[name] == "failed"} == {"a", "b"}
            assert len(status) == 6
    finally:
        server.kill()

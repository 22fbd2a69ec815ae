"""The commands of a cluster refuse what cannot work, with one sentence and code 2."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from architecture.source_tree import ROOT
from threadhub.management.commands import web
from threadhub.ops import addresses, database

DEPLOY = ROOT / "docs" / "deploy"


def refusal(*words: str) -> str:
    """Return what a command says when it ends with code 2."""
    said = io.StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command(*words, stderr=said, stdout=io.StringIO())
    assert ended.value.code == 2
    return said.getvalue()


@pytest.mark.parametrize("command", ["prepare", "web", "worker"])
def test_a_process_of_a_cluster_refuses_the_settings_of_one_process(command: str) -> None:
    said = refusal(command)

    assert "manage.py serve" in said and "threadhub.settings.cluster" in said


def test_the_one_process_refuses_the_settings_of_a_cluster(settings: Any) -> None:
    settings.ONE_PROCESS = False

    assert "manage.py worker" in refusal("serve")


@pytest.mark.django_db
@pytest.mark.parametrize("command", ["web", "worker"])
def test_an_unprepared_database_names_the_command_that_prepares(
    settings: Any, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    settings.ONE_PROCESS = False
    settings.PORT = 0
    monkeypatch.setattr(database, "has_pending_migrations", lambda: True)

    assert "manage.py prepare" in refusal(command)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_an_inherited_socket_says_where_it_listens(host: str) -> None:
    with addresses.listening(host, 0) as listening:
        found = web.address_of_socket(listening.fileno())

        assert found == (host, listening.getsockname()[1])
        assert os.fstat(listening.fileno())


def test_the_environment_that_is_shipped_names_settings_that_exist() -> None:
    lines = (DEPLOY / "threadhub.env").read_text().splitlines()
    names = {line.split("=")[0] for line in lines if line and not line.startswith("#")}
    read = "".join(path.read_text() for path in (ROOT / "threadhub" / "settings").glob("*.py"))

    unknown = {
        name
        for name in names - {"DJANGO_SETTINGS_MODULE"}
        if f'("{name.removeprefix("THREADHUB_").removesuffix("_FILE")}"' not in read
    }

    assert names and unknown == set()


@pytest.mark.parametrize("unit", sorted(path.name for path in DEPLOY.glob("*.service")))
def test_a_unit_starts_a_command_that_exists(unit: str) -> None:
    text = (DEPLOY / unit).read_text()
    (command,) = [line.split("manage.py ")[1] for line in text.splitlines() if "ExecStart" in line]

    assert (ROOT / "threadhub/management/commands" / f"{command.split()[0]}.py").is_file()
    assert Path(text.split("WorkingDirectory=")[1].split()[0]) == Path("/opt/threadhub")

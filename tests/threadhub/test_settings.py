"""Settings refuse what they cannot read, with one sentence and code 2."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def check(environment: dict[str, str], **values: str) -> subprocess.CompletedProcess[str]:
    """Run `manage.py check` with these variables."""
    return subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env={**environment, **values},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("THREADHUB_PORT", "eighty", "a whole number"),
        ("THREADHUB_PORT", "70000", "from 1 to 65535"),
        ("THREADHUB_LEASE_SECONDS", "soon", "seconds"),
        ("THREADHUB_LOG_LEVEL", "LOUD", "one of"),
        ("THREADHUB_PROT", "8000", "Unknown setting THREADHUB_PROT"),
    ],
)
def test_a_malformed_value_refuses_to_start(
    child_environment: dict[str, str], name: str, value: str, wanted: str
) -> None:
    done = check(child_environment, **{name: value})

    assert done.returncode == 2
    assert wanted in done.stderr and name in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_folder_that_cannot_be_written_is_named(
    child_environment: dict[str, str], tmp_path: Path
) -> None:
    blocker = tmp_path / "file"
    blocker.touch()

    done = check(child_environment, THREADHUB_VAR=str(blocker / "var"))

    assert done.returncode == 2 and str(blocker) in done.stderr
    assert "THREADHUB_VAR" in done.stderr


def test_the_cluster_refuses_to_start_without_a_secret(child_environment: dict[str, str]) -> None:
    done = check(child_environment, DJANGO_SETTINGS_MODULE="threadhub.settings.cluster")

    assert done.returncode == 2 and "THREADHUB_SECRET_KEY" in done.stderr


def test_the_secret_is_made_once_and_is_private(
    child_environment: dict[str, str], tmp_path: Path
) -> None:
    assert check(child_environment).returncode == 0
    path = tmp_path / "var" / "keys" / "django"
    first = path.read_text()

    assert check(child_environment).returncode == 0

    assert path.read_text() == first and len(first) > 50
    assert os.stat(path).st_mode & 0o777 == 0o600

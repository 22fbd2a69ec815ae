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


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ({"THREADHUB_SECRET_KEY": ""}, "THREADHUB_SECRET_KEY"),
        ({"THREADHUB_SECRET_KEY": "short"}, "at least 32 characters"),
        ({"THREADHUB_DATABASE_URL": ""}, "THREADHUB_DATABASE_URL is not set"),
        ({"THREADHUB_DATABASE_URL": "mysql://u:hidden@h/n"}, "postgresql://user@host:port/name"),
        ({"THREADHUB_DATABASE_URL": "postgresql://u:hidden@h:x/n"}, "THREADHUB_DATABASE_URL"),
        ({"THREADHUB_REDIS_URL": "http://u:hidden@h"}, "THREADHUB_REDIS_URL"),
        ({"THREADHUB_REDIS_URL": "redis://:hidden@h:port/0"}, "redis://user:password@host:port/0"),
        ({"THREADHUB_POOL_SIZE": "1"}, "THREADHUB_POOL_SIZE"),
        ({"THREADHUB_REDIS": "redis://h"}, "Unknown setting THREADHUB_REDIS"),
    ],
)
def test_the_cluster_refuses_to_start_with_wrong_settings(
    child_environment: dict[str, str], values: dict[str, str], wanted: str
) -> None:
    cluster = {
        "DJANGO_SETTINGS_MODULE": "threadhub.settings.cluster",
        "THREADHUB_SECRET_KEY": "x" * 50,
        "THREADHUB_DATABASE_URL": "postgresql://user@host/name",
    }

    done = check(child_environment, **{**cluster, **values})

    assert done.returncode == 2 and wanted in done.stderr
    assert "hidden" not in done.stderr and len(done.stderr.strip().splitlines()) == 1


def test_the_secret_is_made_once_and_is_private(
    child_environment: dict[str, str], tmp_path: Path
) -> None:
    assert check(child_environment).returncode == 0
    path = tmp_path / "var" / "keys" / "django"
    first = path.read_text()

    assert check(child_environment).returncode == 0

    assert path.read_text() == first and len(first) > 50
    assert os.stat(path).st_mode & 0o777 == 0o600


def test_a_secret_s_file_that_is_empty_is_not_taken_for_none(
    child_environment: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "ring.json"
    path.touch()

    done = check({**child_environment, "THREADHUB_KEYS_FILE": str(path)})

    assert done.returncode == 2 and done.stderr.strip().endswith("ring.json is empty.")
    assert not (tmp_path / "var" / "keys" / "ring.json").exists()

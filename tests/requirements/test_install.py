"""`requirements/install.py` says what is missing and leaves a current environment alone."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from architecture.source_tree import ROOT


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with a space in its path that holds only what setting up needs."""
    folder = tmp_path / "a checkout"
    copy_setup(folder)
    return folder


def copy_setup(folder: Path) -> None:
    shutil.copytree(
        ROOT / "requirements",
        folder / "requirements",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    shutil.copy(ROOT / "Makefile", folder)


def install(
    checkout: Path, group: str = "app", **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-B", "requirements/install.py", group],
        cwd=checkout,
        env={**os.environ, "PIP_NO_INDEX": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def pretend_python(folder: Path, version: str, *, has_venv: bool = True) -> Path:
    """A program that answers like a Python of that version."""
    path = folder / f"python-{version}"
    ensurepip = f"*ensurepip*) exit {0 if has_venv else 1} ;;\n"
    path.write_text(
        f'#!/bin/sh\ncase "$*" in {ensurepip}*) echo {version}; echo CPython; echo "$0" ;; esac\n',
        encoding="utf-8",
    )
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_an_unsupported_python_is_named_with_what_is_needed(checkout: Path) -> None:
    result = install(checkout, PYTHON=str(pretend_python(checkout, "3.8")))

    assert result.returncode == 2
    assert "needs Python 3.11, 3.12 or 3.13" in result.stderr
    assert "CPython 3.8" in result.stderr
    assert not (checkout / ".venv").exists()


def test_without_a_supported_python_one_apt_line_says_what_to_install(checkout: Path) -> None:
    programs = checkout / "bin"
    programs.mkdir()
    pretend_python(programs, "3.9").rename(programs / "python3")

    result = install(checkout, PATH=f"{programs}", PYTHON="")

    assert result.returncode == 2
    lines = [line for line in result.stderr.splitlines() if "apt install" in line]
    assert len(lines) == 1
    assert "-venv" in lines[0]
    assert lines[0].endswith("make")


def test_a_python_without_venv_is_named_before_anything_is_made(checkout: Path) -> None:
    result = install(checkout, PYTHON=str(pretend_python(checkout, "3.12", has_venv=False)))

    assert result.returncode == 2
    assert "apt install python3.12-venv" in result.stderr
    assert not (checkout / ".venv").exists()


def test_locks_that_disagree_are_refused(checkout: Path) -> None:
    dev = checkout / "requirements" / "dev.txt"
    text = dev.read_text(encoding="utf-8")
    dev.write_text(text.replace("django==", "django==0.", 1), encoding="utf-8")

    result = install(checkout)

    assert result.returncode == 2
    assert "django" in result.stderr
    assert "make lock" in result.stderr


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with an environment of nothing; each test leaves it current."""
    folder = tmp_path_factory.mktemp("setup") / "a checkout"
    copy_setup(folder)
    write_locks(folder, "")
    assert install(folder, "dev", PYTHON=sys.executable).returncode == 0
    return folder


def write_locks(checkout: Path, text: str) -> None:
    for name in ("app", "dev"):
        (checkout / "requirements" / f"{name}.txt").write_text(text, encoding="utf-8")


def stamp(checkout: Path) -> Path:
    return checkout / ".venv" / "threadhub.json"


@pytest.mark.slow
class TestEnvironment:
    """A virtual environment is kept as long as it is right, and built again when it is not."""

    def test_the_second_call_does_nothing(self, installed: Path) -> None:
        before = stamp(installed).stat().st_mtime_ns

        results = [install(installed, group) for group in ("dev", "app")]

        assert [(result.returncode, result.stderr) for result in results] == [(0, ""), (0, "")]
        assert stamp(installed).stat().st_mtime_ns == before

    def test_a_changed_lock_is_installed_into_the_same_environment(self, installed: Path) -> None:
        mine = installed / ".venv" / "mine"
        mine.touch()
        write_locks(installed, "\n")

        result = install(installed, "dev")

        assert "Installing" in result.stderr
        assert result.returncode == 0
        assert mine.exists()

    def test_an_interrupted_installation_is_begun_anew(self, installed: Path) -> None:
        (installed / ".venv" / "unfinished").touch()

        result = install(installed, "dev")

        assert "interrupted: building .venv again" in result.stderr
        assert result.returncode == 0
        assert not (installed / ".venv" / "unfinished").exists()

    def test_an_environment_whose_python_is_gone_is_built_again(self, installed: Path) -> None:
        (installed / ".venv" / "bin" / "python").unlink()

        result = install(installed, "dev")

        assert "building .venv again" in result.stderr
        assert result.returncode == 0

    def test_a_moved_checkout_gets_a_new_environment(self, installed: Path) -> None:
        moved = installed.with_name("elsewhere")
        shutil.copytree(installed, moved, symlinks=True)

        result = install(moved)

        assert "building .venv again" in result.stderr
        assert result.returncode == 0
        assert json.loads(stamp(moved).read_text())["place"] == str(moved / ".venv")


def test_make_ends_with_the_code_of_what_is_missing(checkout: Path) -> None:
    result = subprocess.run(
        ["make", "run", f"PYTHON={pretend_python(checkout, '3.14')}"],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 2
    assert "CPython 3.14" in result.stderr


def test_make_alone_lists_every_target_with_a_line(checkout: Path) -> None:
    shown = subprocess.run(
        ["make"], cwd=checkout, capture_output=True, text=True, check=True
    ).stdout
    targets = {line.split()[1]: line.split()[2:] for line in shown.splitlines()}

    wanted = {"run", "project", "test", "demo", "lint", "unit", "lock", "query-baseline", "help"}
    assert set(targets) >= wanted
    assert all(targets.values())

"""Imports point down only, and every module stands on a floor."""

from __future__ import annotations

import pkgutil
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from architecture.source_tree import PACKAGES, ROOT

LINT = [str(Path(sys.executable).parent / "lint-imports"), "--no-logo", "--no-cache"]
# Doors that anybody above may use; every other module of the store is an inside.
STORE_DOORS = {"apps", "audit", "events", "tasks", "migrations"}


def contract(identifier: str) -> dict[str, list[str]]:
    configuration = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = configuration["tool"]["importlinter"]["contracts"]
    return next(found for found in contracts if found["id"] == identifier)


def children(package: str) -> set[str]:
    folder = ROOT / package.replace(".", "/")
    return {module.name for module in pkgutil.iter_modules([str(folder)])}


def lint(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*LINT, *options], cwd=folder, capture_output=True, text=True, check=False
    )


def test_every_contract_is_kept() -> None:
    result = lint(ROOT)

    assert result.returncode == 0, result.stdout + result.stderr


def test_every_module_of_threadhub_and_every_package_stands_on_a_floor() -> None:
    placed = set(re.findall(r"[\w.]+", " ".join(contract("floors")["layers"])))
    modules = {f"threadhub.{name}" for name in children("threadhub")}
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"threadhub"}

    assert modules | packages <= placed


def test_every_inside_of_the_checkpoint_store_is_protected() -> None:
    protected = set(contract("checkpoint-internals")["protected_modules"])
    insides = {f"checkpoints_app.{name}" for name in children("checkpoints_app") - STORE_DOORS}

    assert insides <= protected


@pytest.fixture(scope="module")
def copied_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tree")
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


@pytest.mark.parametrize(
    ("identifier", "path", "line"),
    [
        ("floors", "threadhub/kernel/clock.py", "import threadhub.coordination"),
        ("floors", "sessions_app/apps.py", "import threads_app.apps"),
        ("floors", "checkpoints_app/apps.py", "import threads_app.apps"),
        ("kernel", "threadhub/kernel/errors.py", "import threadhub.kernel.acts"),
        ("kernel", "threadhub/kernel/drawer.py", ""),
        ("threads-app", "threads_app/models/thread.py", "import threads_app.services"),
        ("threads-app", "threads_app/drawer.py", ""),
        ("checkpoint-internals", "threads_app/api/__init__.py", "import checkpoints_app.models"),
        ("checkpoint-internals", "threads_app/graphs/loader.py", "import checkpoints_app.serde"),
        ("transport-free", "threads_app/services/runs.py", "import celery"),
        ("langgraph", "threads_app/services/runs.py", "import langgraph.graph"),
        ("settings", "threads_app/services/runs.py", "import threadhub.settings.base"),
    ],
)
def test_a_line_on_the_wrong_floor_fails(
    copied_tree: Path, identifier: str, path: str, line: str
) -> None:
    file = copied_tree / path
    before = file.read_text(encoding="utf-8") if file.exists() else None
    file.write_text(f"{before or ''}\n{line}\n", encoding="utf-8")

    result = lint(copied_tree, "--contract", identifier)

    if before is None:
        file.unlink()
    else:
        file.write_text(before, encoding="utf-8")
    assert result.returncode == 1, result.stdout + result.stderr
    assert "BROKEN" in result.stdout

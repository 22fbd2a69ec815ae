"""`make project` names what a project needs, and a conflict with both versions."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from architecture.source_tree import ROOT


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of one graph, in a folder with a space in its name."""
    folder = tmp_path / "my project"
    folder.mkdir()
    write(folder, ["."])
    return folder


def write(folder: Path, dependencies: object) -> None:
    content = {"graphs": {"hello": "./hello.py:graph"}, "dependencies": dependencies}
    (folder / "langgraph.json").write_text(json.dumps(content), encoding="utf-8")


def install(path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-B", str(ROOT / "requirements" / "project.py"), str(path)],
        env={**os.environ, "PIP_NO_INDEX": "1", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def locked(name: str) -> str:
    text = (ROOT / "requirements" / "app.txt").read_text(encoding="utf-8")
    found = re.search(rf"^{name}==(\S+)", text, re.MULTILINE)
    assert found
    return found.group(1)


def make_wheel(folder: Path, name: str, requires: str) -> None:
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\nRequires-Dist: {requires}\n"
        wheel.writestr(f"{info}/METADATA", metadata)
        tags = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        wheel.writestr(f"{info}/WHEEL", tags)
        wheel.writestr(f"{info}/RECORD", "")


def test_a_folder_without_a_build_file_needs_nothing(project: Path) -> None:
    result = install(project)

    assert result.returncode == 0
    assert "Everything it needs is installed." in result.stderr


def test_what_is_wanted_and_already_there_is_shown(project: Path) -> None:
    write(project, ["."])
    (project / "requirements.txt").write_text(
        "# what we use\nlanggraph>=1.0 --hash=sha256:00\nDjango ; python_version > '3'\n"
        "never==1 ; python_version < '3'\n",
        encoding="utf-8",
    )

    result = install(project / "langgraph.json")

    assert result.returncode == 0
    assert "langgraph>=1.0  (requirements.txt; here already)" in result.stderr
    assert "never" not in result.stderr


@pytest.mark.parametrize("file", ["langgraph.json", "requirements.txt", "pyproject.toml"])
def test_a_conflict_is_named_with_both_versions_before_pip_runs(project: Path, file: str) -> None:
    if file == "langgraph.json":
        write(project, ["langgraph<1"])
    elif file == "requirements.txt":
        (project / file).write_text("langgraph<1\n", encoding="utf-8")
    else:
        text = '[project]\nname = "mine"\nversion = "1"\ndependencies = ["langgraph<1"]\n'
        (project / file).write_text(text, encoding="utf-8")

    result = install(project, YES="1")

    assert result.returncode == 2
    sentence = f"{file} wants langgraph<1, ThreadHub runs on langgraph {locked('langgraph')}."
    assert sentence in result.stderr


def test_a_conflict_behind_another_package_is_named_with_both_versions(
    project: Path, tmp_path: Path
) -> None:
    make_wheel(tmp_path, "middleman", "langgraph<1")
    write(project, ["middleman"])

    result = install(project, YES="1", PIP_FIND_LINKS=str(tmp_path))

    assert result.returncode == 2
    sentence = f"middleman 1.0 wants langgraph<1, ThreadHub runs on langgraph {locked('langgraph')}"
    assert sentence in result.stderr


def test_a_package_that_does_not_exist_is_said_in_pips_words(project: Path) -> None:
    write(project, ["no-such-package-anywhere"])

    result = install(project, YES="1", PIP_FIND_LINKS="")

    assert result.returncode == 2
    assert "No matching distribution found for no-such-package-anywhere" in result.stderr


def test_nothing_is_installed_without_a_yes(project: Path) -> None:
    write(project, ["no-such-package-anywhere"])

    result = install(project)

    assert result.returncode == 2
    assert "no-such-package-anywhere  (langgraph.json; to be installed)" in result.stderr
    assert "Add YES=1" in result.stderr


@pytest.mark.parametrize(
    ("dependencies", "sentence"),
    [
        (["./missing"], "names the folder ./missing, but there is no"),
        (["langgraph>>1"], "'langgraph>>1' is no package and version"),
        ("langgraph", '"dependencies" must be a list'),
    ],
)
def test_bad_dependencies_are_one_clear_sentence(
    project: Path, dependencies: object, sentence: str
) -> None:
    write(project, dependencies)

    result = install(project)

    assert result.returncode == 2
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr


def test_a_malformed_pyproject_is_one_clear_sentence(project: Path) -> None:
    (project / "pyproject.toml").write_text("[project\n", encoding="utf-8")

    result = install(project)

    assert result.returncode == 2
    assert "pyproject.toml cannot be read" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("content", [None, "{", "[]"])
def test_a_missing_or_malformed_file_is_one_clear_sentence(
    tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "langgraph.json"
    if content is not None:
        file.write_text(content, encoding="utf-8")

    result = install(file)

    assert result.returncode == 2
    assert len(result.stderr.strip().splitlines()) == 1


def test_no_project_at_all_says_how_to_name_one() -> None:
    result = subprocess.run(
        [sys.executable, "-B", str(ROOT / "requirements" / "project.py"), ""],
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 2
    assert "PROJECT=" in result.stderr


@pytest.mark.parametrize("answer", ["n\n", "\n", "\x04"])
def test_anything_but_yes_on_the_terminal_installs_nothing(project: Path, answer: str) -> None:
    write(project, ["no-such-package-anywhere"])
    ours, theirs = os.openpty()
    os.write(ours, answer.encode())

    result = subprocess.run(
        [sys.executable, "-B", str(ROOT / "requirements" / "project.py"), str(project)],
        stdin=theirs,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )

    os.close(ours)
    os.close(theirs)
    assert result.returncode == 2
    assert "[y/N] Nothing was installed." in result.stderr

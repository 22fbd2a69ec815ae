"""The first load after a change: tried in a process of its own, kept in the rows."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from threadhub.kernel import clock
from threads_app.graphs import catalog
from threads_app.models import Graph
from threads_app.services import graphs

pytestmark = [pytest.mark.django_db(transaction=True)]

GOOD = (Path(__file__).parents[1] / "projects/failures/good.py").read_text()
HANGING = "import threading\nthreading.Event().wait()\n"
COUNTED = "\nimport os\nos.environ['CHECKED_TIMES'] = os.environ.get('CHECKED_TIMES', '') + 'x'\n"


@pytest.fixture
def project(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Write a project with a good and a hanging graph."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("CHECKED_TIMES", "")
    (tmp_path / "good.py").write_text(GOOD + COUNTED)
    (tmp_path / "bad.py").write_text(COUNTED + HANGING)
    content = {"graphs": {"good": "./good.py:graph", "bad": "./bad.py:graph"}}
    (tmp_path / "langgraph.json").write_text(json.dumps(content))
    settings.PROJECTS = [tmp_path / "langgraph.json"]
    settings.CHECK_SECONDS = 2.0
    yield tmp_path
    forget(tmp_path)
    catalog.configure([])


def forget(folder: Path) -> None:
    catalog.configure([])
    for name, module in list(sys.modules.items()):
        if (getattr(module, "__file__", None) or "").startswith(str(folder)):
            del sys.modules[name]


def started(folder: Path, said: list[str] | None = None) -> dict[str, Graph]:
    """Load as a server does that was started anew."""
    forget(folder)
    graphs.load_checked(now=clock.now(), say=None if said is None else said.append)
    return {row.name: row for row in Graph.objects.all()}


def test_a_hanging_import_changes_nothing_for_its_siblings_and_is_not_tried_twice(
    project: Path,
) -> None:
    rows = started(project)

    assert (rows["good"].status, rows["good"].form) == ("loaded", "compiled graph")
    assert (rows["bad"].status, rows["bad"].problem_code) == ("failed", "hangs")
    assert "did not end within 2 s" in rows["bad"].problem
    # The bad one was never imported here.
    assert os.environ["CHECKED_TIMES"] == "x"
    assert rows["good"].check_report["nodes"] == ["__start__", "add", "__end__"]
    assert rows["bad"].check_report["outcome"] == "fails"
    assert rows["bad"].checked_at is not None

    said: list[str] = []

    rows = started(project, said)

    assert said == []
    assert (rows["good"].status, rows["bad"].status) == ("loaded", "failed")
    assert "tried again when something changes" in rows["bad"].problem


def test_a_change_is_tried_again(project: Path) -> None:
    (project / "bad.py").write_text("raise OSError('no disk')")
    assert started(project)["bad"].problem_code == "raises"
    (project / "bad.py").write_text(GOOD)
    said: list[str] = []

    rows = started(project, said)

    assert len(said) == 1
    assert (rows["bad"].status, rows["bad"].problem) == ("loaded", "")


def test_two_projects_with_one_module_name_leave_a_sentence_in_the_row(
    project: Path, tmp_path: Path, settings: Any
) -> None:
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "toolbox.py").write_text("")
        (folder / f"{name}_graph.py").write_text(GOOD + "\nimport toolbox\n")
        content = {"graphs": {name: f"./{name}_graph.py:graph"}}
        (folder / "langgraph.json").write_text(json.dumps(content))
    settings.PROJECTS = [tmp_path / "one", tmp_path / "two"]
    forget(project)

    graphs.load(now=clock.now())

    rows = {row.name: row for row in Graph.objects.all()}

    assert (rows["one"].status, rows["two"].status) == ("loaded", "failed")
    assert rows["two"].problem_code == "project_clash"
    assert "cannot run beside one: both define `toolbox`" in rows["two"].problem


def checked(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = 0
    try:
        call_command("check_project", *words)
    except SystemExit as ended:
        code = int(str(ended.code))
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_the_command_prints_every_graph_and_keeps_the_result(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "bad.py").write_text("raise OSError('no disk')")
    graphs.load(now=clock.now())

    code, out, _ = checked(capsys, str(project), "--json")

    shown = json.loads(out)
    assert code == 1
    assert [graph["outcome"] for graph in shown["graphs"]] == ["loads", "fails"]
    assert "no disk" in Graph.objects.get(name="bad").check_report["problem"]


def test_the_command_says_in_a_table_what_each_graph_is(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "bad.py").write_text(GOOD)

    code, out, _ = checked(capsys, str(project))

    assert code == 0
    assert "compiled graph" in out and "2 of 2 graphs load" in out


@pytest.mark.parametrize("text", ["", "{"])
def test_the_command_refuses_what_is_no_project(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "langgraph.json").write_text(text)

    code, _, err = checked(capsys, str(tmp_path))

    assert code == 2
    assert "is not valid JSON" in err

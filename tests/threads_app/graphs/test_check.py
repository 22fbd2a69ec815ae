"""Every way in which a graph can fail, tried in processes of their own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings

from threads_app.graphs.checking.guards import is_local
from threads_app.graphs.checking.results import GraphCheck, ProjectCheck
from threads_app.graphs.checking.running import check
from threads_app.graphs.project import read_project

PROJECTS = Path(__file__).resolve().parents[2] / "projects"
LIMITS = {"CHECK_SECONDS": 8.0, "CHECK_MEMORY_MB": 512, "BUILD_SECONDS": 1.0}

# The stable word for each graph of the project, and a part of its sentence.
FAILURES = {
    "raises": ("raises", "(raises.py, line 1): the quota file is unreadable"),
    "needs variable": ("raises", "Its env file ./nowhere.env is missing"),
    "hangs": ("hangs", "Importing `./hangs.py` did not end within 8 s"),
    "no graph": ("not_a_graph", "is of type int, not a graph"),
    "no name": ("name_missing", "defines no `grpah`; it has `graph`"),
    "no file": ("file_missing", "There is no file `./nowhere.py`"),
    "no module": ("module_missing", "There is no module `nowhere`"),
    "no package": ("package_missing", "needs the module `package_that_nobody_installed`"),
    "syntax": ("syntax", "is not valid for this Python"),
    "exits": ("exits", "ends the process when imported (sys.exit"),
    "exits hard": ("exits", "ended with code 0 (os._exit) while importing `./exits_hard.py`"),
    "dials out": ("dials_out", "(dials.py, line 4), connects to models.example.com"),
    "forks": ("forks", "forks the process"),
    "signals": ("crashes", "ended by SIGSEGV"),
    "memory": ("memory", "wants more memory when imported"),
    "kills the checker": ("signals_others", "signals another process"),
    "factory raises": ("factory_raises", "(factories.py, line 18): no tools configured"),
    "factory hangs": ("graph_build_too_slow", "did not build its graph within 1 s"),
    "factory blocks": ("graph_build_too_slow", "blocks its event loop"),
    "factory returns": ("graph_not_built", "returned something of type dict, not a graph"),
    "factory changes": ("graph_changed", "builds another graph each time: the node `node "),
    "factory exits": ("exits", "ended with code 3 (os._exit) while calling `exiting`"),
    "factory dials": ("dials_out", "(factories.py, line 42) connects to tools.example.com"),
    "factory arguments": ("factory_arguments", "wants the argument `settings`"),
    "javascript": ("javascript", "it is not runnable here"),
    "bad target": ("bad_target", "does not name a variable"),
}
GOOD = {"good", "dials quietly", "prints", "factory good"}


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProjectCheck]:
    folder = tmp_path_factory.mktemp("checked") / "failures"
    shutil.copytree(PROJECTS / "failures", folder)
    # A template string: newer than any Python that ThreadHub runs on.
    (folder / "too_new.py").write_text('name = t"{graph}"\n')
    with override_settings(**LIMITS):
        yield check(read_project(folder))


@pytest.fixture
def graphs(result: ProjectCheck) -> dict[str, GraphCheck]:
    return {graph.name: graph for graph in result.graphs}


def test_every_failing_graph_has_its_word_and_its_sentence(graphs: Any) -> None:
    wrong = {
        name: (graphs[name].code, graphs[name].problem)
        for name, (code, part) in FAILURES.items()
        if graphs[name].code != code or part not in graphs[name].problem
    }

    assert wrong == {}


def test_no_failing_graph_takes_a_good_one_along(graphs: Any) -> None:
    assert {name for name, graph in graphs.items() if graph.is_loadable} == GOOD
    assert graphs["good"].nodes == ["__start__", "add", "__end__"]


def test_what_a_graph_prints_is_cut_and_counted(graphs: Any) -> None:
    printed = graphs["prints"]

    assert printed.printed > 3_000_000 and len(printed.output) < 3000
    assert printed.output.startswith("starting up") or printed.output.startswith("warning")
    assert "Prints" in printed.notes[0]


def test_a_connection_that_the_graph_can_do_without_is_noted(graphs: Any) -> None:
    assert graphs["dials quietly"].notes == ["Connects to 203.0.113.7 when loaded."]
    assert graphs["factory good"].notes == []


def test_what_the_project_lacks_is_named(result: ProjectCheck) -> None:
    assert result.missing_packages == ("not-installed-anywhere>=2",)
    assert any("nowhere.env is missing" in warning for warning in result.warnings)
    assert not result.is_good


def test_whoever_kills_the_checker_is_found_and_the_others_are_checked(
    write_project: Any, settings: Any
) -> None:
    settings.CHECK_SECONDS = 20.0
    killing = (
        "import ctypes, os; ctypes.CDLL(None).kill(os.getppid(), 9); import time; time.sleep(9)"
    )
    path = write_project(
        {"bad": "./bad.py:graph", "agent": "./agent.py:graph"},
        files={"bad.py": killing, "agent.py": (PROJECTS / "failures/good.py").read_text()},
    )

    bad, good = check(read_project(path)).graphs

    assert (bad.code, bad.problem.split(":")[0]) == (
        "crashes",
        "The graph ends the process that checks it",
    )
    assert good.is_loadable


def test_a_network_that_is_allowed_is_not_refused(write_project: Any, settings: Any) -> None:
    settings.CHECK_NETWORK = True
    source = """
        import socket
        try:
            socket.getaddrinfo("nothing.invalid", 80)
        except socket.gaierror:
            raise RuntimeError("the resolver was asked")
    """
    path = write_project({"a": "./a.py:graph"}, files={"a.py": source})

    graph = check(read_project(path)).graphs[0]

    assert "the resolver was asked" in graph.problem


@pytest.mark.parametrize(
    ("host", "local"),
    [
        *((host, True) for host in ("127.0.0.1", "::1", "LOCALHOST", "")),
        *((host, False) for host in ("10.0.0.1", "localhost.example.com", "0.0.0.0")),
    ],
)
def test_loopback_is_the_only_network(host: str, local: bool) -> None:
    assert is_local(host) == local

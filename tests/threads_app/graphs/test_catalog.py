from __future__ import annotations

import os
import threading

import pytest

from threads_app.graphs.catalog import Catalog, GraphFailed, GraphUnknown

COUNTED = """
    import os
    os.environ["TIMES"] = os.environ.get("TIMES", "") + "x"
    from typing_extensions import TypedDict
    from langgraph.graph import START, StateGraph

    class State(TypedDict):
        number: int

    graph = StateGraph(State)
    graph.add_node("work", lambda state: {})
    graph.add_edge(START, "work")
"""


@pytest.fixture
def catalog() -> Catalog:
    return Catalog()


def test_nothing_is_imported_before_the_first_use(catalog, write_project):
    catalog.configure([write_project(files={"agent.py": COUNTED})])
    before = os.environ.get("TIMES")

    loaded = catalog.get("agent")

    assert before is None
    assert loaded.name == "agent"
    assert os.environ["TIMES"] == "x"


def test_many_threads_import_once(catalog, write_project):
    catalog.configure([write_project(files={"agent.py": COUNTED})])
    barrier, found = threading.Barrier(8), []

    def ask() -> None:
        barrier.wait()
        found.append(catalog.get("agent"))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 8
    assert len(set(map(id, found))) == 1
    assert os.environ["TIMES"] == "x"


def test_loading_the_same_projects_again_gives_the_same_report(catalog, write_project):
    path = write_project(files={"agent.py": COUNTED})

    assert catalog.load_all([path]) is catalog.load_all([path]) is catalog.report()


def test_an_unknown_graph_is_refused_with_the_known_names(catalog, write_project):
    catalog.configure([write_project()])

    with pytest.raises(GraphUnknown, match="Known graphs: `agent`") as caught:
        catalog.get("agnet")

    assert (caught.value.status, caught.value.code) == (422, "graph_unknown")


def test_a_failed_graph_is_refused_with_its_reason(catalog, write_project):
    catalog.configure([write_project({"bad": "./nowhere.py:graph"})])

    with pytest.raises(GraphFailed, match="There is no file"):
        catalog.get("bad")


def test_a_graph_may_ask_for_another_while_it_is_imported(catalog, write_project):
    source = """
        from threads_app.graphs import catalog
        catalog.get("agent")
    """
    path = write_project(
        {"asks": "./asks.py:graph", "agent": "./agent.py:graph"},
        files={"asks.py": source, "agent.py": COUNTED},
    )

    report = catalog.load_all([path])

    assert [graph.name for graph in report.loaded] == ["agent"]
    assert "GraphUnknown" in report.failed[0].reason


def test_a_project_that_cannot_be_read_leaves_the_others_alone(catalog, write_project, tmp_path):
    report = catalog.load_all([tmp_path / "nowhere.json", write_project()])

    assert "There is no file" in report.projects[0].problem
    assert catalog.get("agent").name == "agent"


def test_a_project_listed_twice_is_loaded_once(catalog, write_project):
    path = write_project(files={"agent.py": COUNTED})

    report = catalog.load_all([path, path])

    assert len(report.projects) == 1
    assert report.failed == ()


def test_a_name_used_twice_stays_with_the_first_project(catalog, write_project):
    one, two = write_project(folder="one"), write_project(folder="two")

    report = catalog.load_all([one, two])

    assert catalog.get("agent").project == "one"
    assert [graph.code for graph in report.failed] == ["name_taken"]
    assert "The project one already has a graph `agent`" in report.failed[0].reason


def test_a_module_hidden_by_an_installed_package_is_a_warning(catalog, write_project):
    files = {"agent.py": COUNTED + "    import rich\n", "rich.py": "", "zipapp.py": ""}

    report = catalog.load_all([write_project(files=files)])

    (warning,) = report.projects[0].warnings
    assert "The module `rich` is hidden by an installed package" in warning


class TestProjectsThatClash:
    def problem(self, catalog, one, two):
        report = catalog.load_all([one, two])
        assert report.projects[0].problem is None
        return report.projects[1].problem

    def project(self, write_project, folder, *, name="agent", **extra):
        files = {f"{name}.py": COUNTED, **extra.pop("files", {})}
        return write_project({name: f"./{name}.py:graph"}, files=files, folder=folder, **extra)

    def test_the_same_module_is_reported_and_the_second_not_loaded(self, catalog, write_project):
        one = self.project(write_project, "one", files={"toolbox.py": ""})
        two = self.project(write_project, "two", name="other", files={"toolbox.py": ""})

        problem = self.problem(catalog, one, two)

        assert "cannot run beside one: both define `toolbox`" in problem
        assert os.environ["TIMES"] == "x"
        with pytest.raises(GraphFailed, match="both define `toolbox`"):
            catalog.get("other")

    def test_different_values_of_one_variable_are_reported_without_them(
        self, catalog, write_project
    ):
        one = self.project(write_project, "one", env={"KEY": "secret-one", "SAME": "x"})
        two = self.project(write_project, "two", name="other", env={"KEY": "two", "SAME": "x"})

        problem = self.problem(catalog, one, two)

        assert "both set `KEY`, differently" in problem
        assert "secret-one" not in problem

    def test_two_folders_of_one_name_are_reported(self, catalog, write_project):
        one = self.project(write_project, "a/same")
        two = self.project(write_project, "b/same", name="other")

        assert "both are called `same`" in self.problem(catalog, one, two)

    def test_graph_files_of_one_name_and_boilerplate_do_not_clash(self, catalog, write_project):
        files = {"tests/test_a.py": "", "setup.py": ""}
        one = self.project(write_project, "one", files=files)
        two = write_project(
            {"other": "./agent.py:graph"}, files={"agent.py": COUNTED, **files}, folder="two"
        )

        assert self.problem(catalog, one, two) is None
        assert catalog.get("other").project == "two"

    def test_a_graph_file_that_is_imported_by_name_does_clash(self, catalog, write_project):
        one = self.project(write_project, "one")
        two = write_project(
            {"other": "./agent.py:graph"},
            files={"agent.py": COUNTED, "more.py": "import agent"},
            folder="two",
        )

        assert "both define `agent`" in self.problem(catalog, one, two)

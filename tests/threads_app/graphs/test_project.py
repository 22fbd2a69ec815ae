from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from threads_app.graphs.project import ProjectError, read_project
from threads_app.graphs.revision import code_revision

if TYPE_CHECKING:
    from pathlib import Path


def refusal_of(path: Path) -> ProjectError:
    with pytest.raises(ProjectError) as caught:
        read_project(path)
    return caught.value


def test_a_project_names_its_graphs_in_the_order_of_the_file(write_project):
    path = write_project(
        {
            "Deep Researcher": "./agent.py:graph",
            "second": {"path": "agent:graph", "description": "Does the same."},
        },
        dependencies=[".", "httpx>=0.27"],
    )

    project = read_project(path)

    names = [(spec.name, spec.kind, spec.source, spec.variable) for spec in project.graphs]
    assert names == [
        ("Deep Researcher", "file", "./agent.py", "graph"),
        ("second", "module", "agent", "graph"),
    ]
    assert project.graphs[1].description == "Does the same."
    assert project.dependencies == (".", "httpx>=0.27")
    assert project.root == path.parent


def test_a_folder_stands_for_the_langgraph_json_in_it(write_project):
    path = write_project()

    assert read_project(path.parent).path == path


def test_malformed_json_names_line_and_column(tmp_path):
    path = tmp_path / "langgraph.json"
    path.write_text('{\n  "graphs": {"a": "./a.py:graph",}\n}')

    error = refusal_of(path)

    assert error.code == "project_malformed"
    assert "line 2, column" in error.message


def test_a_missing_file_is_named(tmp_path):
    error = refusal_of(tmp_path / "nowhere.json")

    assert error.code == "project_missing"
    assert "nowhere.json" in error.message


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ([], "holds a list"),
        ({}, "has no graphs"),
        ({"graphs": {}}, "has no graphs"),
        ({"graphs": ["./a.py:graph"]}, 'a list as "graphs"'),
        ({"graphs": {"a": "./a.py:g"}, "dependencies": "."}, '"dependencies" must be a list'),
        ({"graphs": {"a": "./a.py:g"}, "env": 3}, '"env" must be'),
        ({"graphs": {"a": "./a.py:g"}, "env": {"A": [1]}}, '"env" must give'),
        ({"graphs": {"a": "./a.py:g"}, "checkpointer": "x"}, '"checkpointer" must be an object'),
        (
            {
                "graphs": {"a": "./a.py:g"},
                "checkpointer": {"serde": {"allowed_msgpack_modules": ["x"]}},
            },
            "allowed_msgpack_modules must be a list",
        ),
    ],
)
def test_a_wrong_shape_is_refused_with_one_sentence(tmp_path, content, part):
    path = tmp_path / "langgraph.json"
    path.write_text(json.dumps(content))

    assert part in refusal_of(path).message


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b'{"graphs": {"a": "x:y", "a": "z:y"}}', b""])
def test_what_is_no_clean_json_text_is_refused(tmp_path, content):
    path = tmp_path / "langgraph.json"
    path.write_bytes(content)

    assert refusal_of(path).code == "project_malformed"


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ("x", "bad_target"),
        ("./agent.py", "bad_target"),
        ("./agent.py:", "bad_target"),
        ("./agent.py:a-b", "bad_target"),
        (3, "bad_target"),
        ("./a\0b.py:graph", "bad_target"),
        ("./\ud800.py:graph", "bad_target"),
        ({"description": "no path"}, "bad_target"),
        ("./src/agent.ts:graph", "javascript"),
        ({"path": "./agent.mjs:graph"}, "javascript"),
    ],
)
def test_a_bad_entry_concerns_its_graph_only(write_project, entry, code):
    project = read_project(write_project({"bad": entry, "good": "./agent.py:graph"}))

    bad, good = project.graphs

    assert (bad.is_runnable, bad.problem_code) == (False, code)
    assert f"{bad.target}{bad.problem}".isprintable()
    assert good.is_runnable


@pytest.mark.parametrize("name", ["", " ", "a" * 256, "a\0b", "\ud800"])
def test_a_graph_needs_a_name_that_can_be_shown(write_project, name):
    (spec,) = read_project(write_project({name: "./agent.py:graph"})).graphs

    assert spec.problem_code == "bad_name"


def test_paths_with_strange_characters_are_left_out(write_project):
    project = read_project(write_project(dependencies=["./a\0b", "./\ud800"], env="\0"))

    assert project.folders == (project.root,)
    assert len(project.warnings) == 3


def test_keys_that_are_not_used_are_accepted_and_reported(write_project):
    path = write_project(
        node_version="20", auth={"path": "./auth.py:auth"}, surprise=True, python_version="2.7"
    )

    project = read_project(path)

    assert project.ignored_keys == ("auth", "node_version", "python_version", "surprise")
    text = "\n".join(project.warnings)
    assert "auth is not used: ThreadHub's own rights" in text
    assert "surprise is not used" in text
    assert f"asks for Python 2.7; this is Python {sys.version_info.major}." in text
    assert "node_version" not in text


def test_a_missing_env_file_is_a_warning(write_project):
    project = read_project(write_project(env=".env"))

    assert project.env == {}
    assert any(".env is missing" in warning for warning in project.warnings)


def test_an_env_file_is_read_with_quotes_comments_and_export(write_project):
    path = write_project(
        env="./settings.env",
        files={
            "agent.py": "graph = 1",
            "settings.env": """\
                # a comment
                PLAIN=one two # said why
                export QUOTED="a # b\\n"
                SINGLE='$x'
                EMPTY=
                not a line
                PYTHONPATH=/elsewhere
            """,
        },
    )

    project = read_project(path)

    assert project.env == {"PLAIN": "one two", "QUOTED": "a # b\n", "SINGLE": "$x", "EMPTY": ""}
    text = "\n".join(project.warnings)
    assert "Line 6 of" in text
    assert "PYTHONPATH is not set" in text


def test_the_values_of_variables_are_never_shown(write_project):
    project = read_project(write_project(env={"API_KEY": "secret-value"}))

    assert project.env == {"API_KEY": "secret-value"}
    assert "secret-value" not in repr(project)


def test_allowed_types_are_read_and_allowing_everything_is_not_followed(write_project):
    listed = write_project(
        checkpointer={"serde": {"allowed_msgpack_modules": [["pkg.mod", "Type"]]}}, folder="one"
    )
    everything = write_project(
        checkpointer={"serde": {"allowed_msgpack_modules": True}}, folder="two"
    )

    assert read_project(listed).serde_allowlist == {("pkg.mod", "Type")}
    assert read_project(everything).serde_allowlist == frozenset()
    assert any("list the types" in warning for warning in read_project(everything).warnings)


def test_a_dependency_folder_that_is_missing_is_a_warning(write_project):
    project = read_project(write_project(dependencies=["./nowhere"]))

    assert project.folders == (project.root,)
    assert any("./nowhere is no folder" in warning for warning in project.warnings)


class TestCodeRevision:
    def test_it_changes_with_the_source_and_comes_back(self, write_project):
        path = write_project()
        project = read_project(path)
        source = path.parent / "agent.py"
        before, text = code_revision(project), source.read_text()

        source.write_text(text + "\n# changed\n")
        changed = code_revision(project)
        source.write_text(text)

        assert changed != before
        assert code_revision(project) == before

    def test_it_ignores_what_is_not_the_projects_own_source(self, write_project):
        path = write_project(
            files={
                "agent.py": "x = 1",
                ".env": "A=1",
                ".venv/lib/a.py": "",
                "myenv/pyvenv.cfg": "",
                "myenv/lib/b.py": "",
                "var/state.json": "{}",
                "node_modules/c.json": "{}",
                "__pycache__/d.py": "",
            }
        )
        project = read_project(path)
        before = code_revision(project)

        for name in (".env", ".venv/lib/a.py", "myenv/lib/b.py", "var/state.json"):
            (path.parent / name).write_text("B=2 # longer than before")

        assert code_revision(project) == before

    def test_it_is_the_same_for_a_copy_elsewhere(self, write_project):
        one, two = write_project(folder="a/proj"), write_project(folder="b/proj")

        assert code_revision(read_project(one)) == code_revision(read_project(two))

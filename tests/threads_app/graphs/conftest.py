"""Small real projects, written to a folder of their own for each test."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from threads_app.graphs.loader import load
from threads_app.graphs.project import Project, read_project

STATE_GRAPH = """
    from typing import TypedDict

    from langgraph.graph import END, START, StateGraph

    class State(TypedDict):
        number: int

    def add(state):
        return {"number": state["number"] + 1}

    builder = StateGraph(State)
    builder.add_node("add", add)
    builder.add_edge(START, "add")
    builder.add_edge("add", END)
    graph = builder.compile()
"""


@pytest.fixture(autouse=True)
def _interpreter_untouched() -> Iterator[None]:
    path, modules, variables = list(sys.path), set(sys.modules), dict(os.environ)
    yield
    sys.path[:] = path
    os.environ.clear()
    os.environ.update(variables)
    for name in set(sys.modules) - modules:
        file = getattr(sys.modules[name], "__file__", None) or ""
        if name.startswith("threadhub_projects") or "pytest-" in file:
            del sys.modules[name]


WriteProject = Callable[..., Path]


@pytest.fixture
def write_project(tmp_path: Path) -> WriteProject:
    """Write a langgraph.json with files beside it; returns the path of the former."""

    def write(
        graphs: Any = None,
        *,
        files: Mapping[str, str] | None = None,
        folder: str = "",
        **keys: Any,
    ) -> Path:
        root = tmp_path / folder if folder else tmp_path
        root.mkdir(parents=True, exist_ok=True)
        for name, text in (files or {"agent.py": STATE_GRAPH}).items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(dedent(text), "utf-8")
        content = {"graphs": graphs or {"agent": "./agent.py:graph"}, **keys}
        (root / "langgraph.json").write_text(json.dumps(content), "utf-8")
        return root / "langgraph.json"

    return write


@pytest.fixture
def load_one(write_project: WriteProject) -> Callable[..., Any]:
    """Write a project with one graph and return what loading it gives."""

    def load_it(*args: Any, **kwargs: Any) -> Any:
        return load(project_of(write_project(*args, **kwargs)))[0]

    return load_it


def project_of(path: Path) -> Project:
    return read_project(path)

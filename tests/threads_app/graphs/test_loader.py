from __future__ import annotations

import os
import sys

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.store.memory import InMemoryStore

from threads_app.graphs.loaded import FailedGraph, LoadedGraph
from threads_app.graphs.loader import load
from threads_app.graphs.project import read_project

SIMPLE = """
    from typing_extensions import TypedDict
    from langgraph.graph import END, START, StateGraph

    class State(TypedDict):
        number: int

    builder = StateGraph(State)
    builder.add_node("add", lambda state: {"number": state["number"] + 1})
    builder.add_edge(START, "add")
    builder.add_edge("add", END)
"""

TYPES = """
    from dataclasses import dataclass
    from enum import Enum
    from typing import NamedTuple
    from pydantic import BaseModel

    class Color(Enum):
        RED = "red"

    @dataclass
    class Point:
        x: int

    class Item(BaseModel):
        name: str

    class Pair(NamedTuple):
        left: int

    class InnerOnly(BaseModel):
        depth: int
"""

TYPED_AGENT = """
    from typing import Any
    from typing_extensions import TypedDict
    from langgraph.graph import START, StateGraph
    from kinds import Color, InnerOnly, Item, Pair, Point

    class Inner(TypedDict):
        point: Point
        inner: InnerOnly

    inner = StateGraph(Inner)
    inner.add_node("deep", lambda state: {"inner": InnerOnly(depth=1)})
    inner.add_edge(START, "deep")

    class State(TypedDict, total=False):
        item: Item
        color: Color
        point: Point
        anything: Any

    def fill(state):
        return {
            "item": Item(name="a"), "color": Color.RED, "point": Point(2), "anything": [Pair(1)]
        }

    builder = StateGraph(State)
    builder.add_node("fill", fill)
    builder.add_node("inner", inner.compile(checkpointer=True).with_config(tags=["t"]))
    builder.add_edge(START, "fill")
    builder.add_edge("fill", "inner")
    graph = builder.compile()
"""


def strict_saver() -> InMemorySaver:
    return InMemorySaver(serde=JsonPlusSerializer(allowed_msgpack_modules=None))


def run(graph, value, *, thread="1"):
    return graph.invoke(value, {"configurable": {"thread_id": thread}})


@pytest.mark.parametrize(
    ("ending", "form"),
    [
        ("graph = builder.compile()", "compiled graph"),
        ("graph = builder", "uncompiled graph"),
        ("graph = builder.compile().with_config(recursion_limit=9)", "compiled graph"),
    ],
)
def test_common_forms_load_and_run(load_one, ending, form):
    loaded = load_one(files={"agent.py": SIMPLE + f"    {ending}\n"})

    assert isinstance(loaded, LoadedGraph)
    assert loaded.form == form
    assert run(loaded.bind(checkpointer=strict_saver()), {"number": 1}) == {"number": 2}


def test_a_module_target_is_imported_by_its_name(load_one):
    files = {"src/agents/__init__.py": "", "src/agents/one.py": SIMPLE + "    graph = builder\n"}

    loaded = load_one({"one": "agents.one:graph"}, files=files, dependencies=["."])

    assert isinstance(loaded, LoadedGraph), loaded
    assert loaded.found == "module"


def test_a_file_may_import_its_neighbors_by_name_and_relatively(load_one):
    files = {
        "src/agent/graph.py": "from agent.numbers import STEP\nfrom .steps import graph\n",
        "src/agent/numbers.py": "STEP = 1\n",
        "src/agent/steps.py": SIMPLE + "    graph = builder\n",
    }

    loaded = load_one({"one": "./src/agent/graph.py:graph"}, files=files)

    assert isinstance(loaded, LoadedGraph), loaded


def test_a_path_that_fits_from_the_working_directory_only_is_said(
    write_project, tmp_path, monkeypatch
):
    path = write_project({"a": "./inner/agent.py:graph"}, folder="inner")
    monkeypatch.chdir(tmp_path)

    (loaded,) = load(read_project(path))

    assert loaded.found == "working directory"
    assert "found from the working directory" in loaded.notes[0]


def test_a_file_with_several_graphs_is_executed_once(write_project):
    counter = "import os\nos.environ['TIMES'] = os.environ.get('TIMES', '') + 'x'\n"
    files = {"agent.py": f"    {counter.strip().replace(chr(10), chr(10) + '    ')}\n" + SIMPLE}
    path = write_project({"a": "./agent.py:builder", "b": "./agent.py:builder"}, files=files)

    load(read_project(path))

    assert os.environ["TIMES"] == "x"


@pytest.mark.parametrize(
    ("source", "code", "part"),
    [
        ("import sys; sys.exit(3)", "exits", "ends the process when imported"),
        ("import asyncio; raise asyncio.CancelledError", "raises", "raises CancelledError"),
        (
            "import functools\ngraph = functools.partial(print, 1)",
            "graph_not_built",
            "returned nothing, not a graph",
        ),
        ("import not_there_at_all", "package_missing", "needs the module `not_there_at_all`"),
        ("from json import nothing_like_it", "import", "cannot be imported (bad.py, line 1)"),
        ("raise RuntimeError('a\\0b')", "raises", "a b."),
        ("raise RuntimeError('no key')", "raises", "raises RuntimeError when imported"),
        ("graph = (", "syntax", "line 1"),
        ("other = 1", "name_missing", "defines no `graph`"),
        ("graph = 3", "not_a_graph", "is of type int, not a graph"),
        ("def graph(config): ...", "graph_not_built", "returned nothing, not a graph"),
        (
            "async def graph(config): return 3",
            "graph_not_built",
            "returned something of type int, not a graph",
        ),
        ("def graph(config): 1 / 0", "factory_raises", "raises ZeroDivisionError (bad.py, line 1)"),
        ("def graph(one, two): ...", "factory_arguments", "wants the argument `one`"),
        ("async def graph(): raise SystemExit(2)", "graph_not_built", "ends the process"),
        (
            "import contextlib\n@contextlib.asynccontextmanager\nasync def graph(config): yield 1",
            "graph_not_built",
            "returned something of type int, not a graph",
        ),
        (
            "from langgraph.graph import StateGraph\ngraph = StateGraph(dict)",
            "does_not_compile",
            "does not compile: ValueError",
        ),
    ],
)
def test_a_failing_graph_says_why_and_leaves_its_siblings_alone(write_project, source, code, part):
    path = write_project(
        {"bad": "./bad.py:graph", "good": "./good.py:builder"},
        files={"bad.py": source, "good.py": SIMPLE},
    )

    bad, good = load(read_project(path))

    assert isinstance(bad, FailedGraph)
    assert (bad.code, part in bad.reason) == (code, True), bad.reason
    assert isinstance(good, LoadedGraph)


@pytest.mark.parametrize(
    ("target", "code"),
    [("./nowhere.py:graph", "file_missing"), ("no.module:graph", "module_missing")],
)
def test_a_source_that_does_not_exist_is_named(load_one, target, code):
    failed = load_one({"a": target})

    assert failed.code == code
    assert "langgraph.json" in failed.reason


def test_a_file_that_fails_is_not_executed_for_each_of_its_graphs(write_project):
    source = "import os\nos.environ['TIMES'] = os.environ.get('TIMES', '') + 'x'\nraise ValueError"
    path = write_project({"a": "./bad.py:a", "b": "./bad.py:b"}, files={"bad.py": source})

    outcomes = load(read_project(path))

    assert [outcome.code for outcome in outcomes] == ["raises", "raises"]
    assert os.environ["TIMES"] == "x"


def test_types_of_the_schemas_and_of_the_project_survive_in_parent_and_subgraph(load_one):
    loaded = load_one(files={"agent.py": TYPED_AGENT, "kinds.py": TYPES})
    saver = strict_saver()
    run(loaded.bind(checkpointer=saver), {})

    state = loaded.bind(checkpointer=saver).get_state({"configurable": {"thread_id": "1"}})
    inner = list(saver.list({"configurable": {"thread_id": "1"}}))
    reader = saver.with_allowlist(loaded.allowlist)
    deep = [item for item in reader.list(None) if item.config["configurable"]["checkpoint_ns"]]

    kinds = sys.modules["kinds"]
    assert state.values == {
        "item": kinds.Item(name="a"),
        "color": kinds.Color.RED,
        "point": kinds.Point(2),
        "anything": [kinds.Pair(1)],
    }
    assert inner
    assert deep[0].checkpoint["channel_values"]["inner"] == kinds.InnerOnly(depth=1)


def test_the_allowlist_holds_types_of_subgraphs_that_lost_theirs(load_one):
    source = (
        SIMPLE
        + """
    import uuid

    class Inner(TypedDict):
        safe: uuid.SafeUUID

    class Middle(TypedDict):
        number: int

    inner = StateGraph(Inner)
    inner.add_node("deep", lambda state: {})
    inner.add_edge(START, "deep")
    middle = StateGraph(Middle)
    middle.add_node("inner", inner.compile().with_config(tags=["t"]))
    middle.add_edge(START, "inner")
    builder.add_node("middle", middle.compile())
    builder.add_edge("add", "middle")
    graph = builder.compile().with_config(tags=["t"])
    """
    )

    loaded = load_one(files={"agent.py": source})

    assert ("uuid", "SafeUUID") in loaded.allowlist


def test_the_allowlist_holds_what_the_project_lists(load_one):
    listed = {"serde": {"allowed_msgpack_modules": [["fractions", "Fraction"]]}}

    loaded = load_one(checkpointer=listed)

    assert ("fractions", "Fraction") in loaded.allowlist


def test_binding_overrides_the_graphs_own_saver_and_says_so(load_one):
    ending = "    from langgraph.checkpoint.memory import InMemorySaver\n"
    ending += "    graph = builder.compile(checkpointer=InMemorySaver())\n"
    loaded = load_one(files={"agent.py": SIMPLE + ending})
    saver, store = strict_saver(), InMemoryStore()

    bound = loaded.bind(checkpointer=saver, store=store)
    run(bound, {"number": 1})

    assert "own saver (InMemorySaver): ThreadHub's is used" in loaded.notes[0]
    assert len(list(saver.list(None))) == 3
    assert not list(loaded.graph.checkpointer.list(None))
    assert bound.store is store


def test_binding_changes_saver_and_store_and_nothing_else(load_one):
    source = SIMPLE.replace("TypedDict):", "BaseModel):").replace(
        "from typing_extensions import TypedDict", "from pydantic import BaseModel"
    )
    loaded = load_one(files={"agent.py": source + "    graph = builder.compile()\n"})

    bound = loaded.bind(checkpointer=strict_saver())

    forgotten = {"__orig_class__", "_serde_allowlist"}
    before, after = vars(loaded.graph), vars(bound)
    changed = {key for key in before if before[key] != after.get(key)} - forgotten
    assert changed == {"checkpointer"}
    assert bound._output_mapper is not None


def test_variables_of_the_project_are_set_unless_the_environment_has_them(
    write_project, monkeypatch, caplog
):
    monkeypatch.setenv("TAKEN_ALREADY", "by the operator")
    monkeypatch.delenv("FREE_SO_FAR", raising=False)
    path = write_project(env={"TAKEN_ALREADY": "secret-one", "FREE_SO_FAR": "here"})

    load(read_project(path))

    assert os.environ["TAKEN_ALREADY"] == "by the operator"
    assert os.environ["FREE_SO_FAR"] == "here"
    assert "secret-one" not in caplog.text


def test_a_projects_modules_never_take_a_library_away(load_one, monkeypatch):
    monkeypatch.delitem(sys.modules, "zipapp", raising=False)
    files = {"agent.py": "import zipapp\nzipapp.create_archive\ngraph = 1", "zipapp.py": ""}

    failed = load_one(files=files)

    assert failed.code == "not_a_graph", failed.reason

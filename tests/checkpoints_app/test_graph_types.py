"""Types of a graph's state, in parent and subgraph, through the end of a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, TypedDict

import pytest
from django.db import connection
from langgraph.graph import START, StateGraph

from checkpoints_app.models import Checkpoint, Write
from checkpoints_app.saver import ThreadHubSaver
from checkpoints_app.serde import UnreadableType

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]

PROJECT = """
import dataclasses, enum, operator
from typing import Annotated, Any, TypedDict
from langgraph.graph import START, StateGraph
from pydantic import BaseModel

class Color(enum.Enum):
    RED = "red"

class Person(BaseModel):
    name: str
    anything: Any = None

@dataclasses.dataclass
class Point:
    x: int
    colors: list[Color] = dataclasses.field(default_factory=list)

class Loose(BaseModel):
    n: int

class State(TypedDict, total=False):
    person: Person
    point: Point
    color: Color
    colors: dict[Color, Point]
    points: Annotated[list[Point], operator.add]
    anything: Any

def fill(state):
    return {
        "person": Person(name="ann", anything=[Point(1)]), "point": Point(2, [Color.RED]),
        "color": Color.RED, "colors": {Color.RED: Point(3)},
        "points": [Point(at) for at in range(5)],
        "anything": {"deep": [Loose(n=1), {Color.RED}, (1,)]},
    }

def build():
    inner = StateGraph(State).add_node("fill", fill).add_edge(START, "fill")
    outer = StateGraph(State).add_node("fill", fill).add_edge(START, "fill")
    outer.add_node("inner", inner.compile(checkpointer=True)).add_edge("fill", "inner")
    return outer.compile()
"""

SCRIPT = """
import json, sys
from django.conf import settings
settings.DATABASES["default"]["NAME"] = sys.argv[1]
import django; django.setup()
import project
from checkpoints_app.saver import ThreadHubSaver
types = [project.Color, project.Person, project.Point, project.Loose]
saver = ThreadHubSaver().with_allowlist(types)
graph = project.build().copy(update={"checkpointer": saver})
config = {"configurable": {"thread_id": sys.argv[2]}}
if sys.argv[3] == "write":
    graph.invoke({}, config)
else:
    found = {}
    for stored in saver.list(config):
        namespace = stored.config["configurable"]["checkpoint_ns"]
        channels = stored.checkpoint["channel_values"]
        values = {k: v for k, v in channels.items() if k in project.State.__annotations__}
        if values:
            found.setdefault(namespace, values)
    expected = project.fill({})
    doubled = {**expected, "points": expected["points"] * 2}
    tripled = {**expected, "points": expected["points"] * 3}
    same = [values in (expected, doubled, tripled) for values in found.values()]
    print(json.dumps({
        "namespaces": sorted(found), "same": same,
        "types": sorted({type(v).__name__ for values in found.values() for v in values.values()}),
        "nested": sorted({type(v).__name__ for values in found.values() for v in [
            *values["colors"], *values["points"], *values["anything"]["deep"],
            *values["person"].anything,
        ]}),
    }))
"""


@pytest.fixture
def in_a_process(tmp_path: Path, key: str, child_environment: dict[str, str]) -> Any:
    (tmp_path / "project.py").write_text(PROJECT)
    (tmp_path / "script.py").write_text(SCRIPT)
    root = Path(__file__).parents[2]
    passed = ("THREADHUB_TEST_DATABASE", "THREADHUB_DATABASE_URL")
    environment = {
        **child_environment,
        **{name: os.environ[name] for name in passed if name in os.environ},
        "PYTHONPATH": f"{tmp_path}:{root}",
        "DJANGO_SETTINGS_MODULE": "threadhub.settings.test",
    }

    def run(what: str) -> str:
        database = str(connection.settings_dict["NAME"])
        command = [sys.executable, str(tmp_path / "script.py"), database, key, what]
        done = subprocess.run(
            command, check=False, env=environment, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_types_survive_a_restart_in_parent_and_subgraph(in_a_process: Any) -> None:
    in_a_process("write")

    read = json.loads(in_a_process("read"))

    assert read["namespaces"] == ["", "inner"]
    assert read["same"] == [True, True]
    assert read["types"] == ["Color", "Person", "Point", "dict", "list"]
    assert read["nested"] == ["Color", "Loose", "Point", "set", "tuple"]


class Unlisted:
    """A plain class, which nothing can rebuild."""


class Anything(TypedDict, total=False):
    listed: Any
    bad: Any


@pytest.mark.parametrize("durability", ["sync", "async", "exit"])
def test_a_graph_that_writes_an_unreadable_value_fails_with_channel_and_type(
    saver: ThreadHubSaver, config: dict[str, Any], durability: Any
) -> None:
    graph = StateGraph(Anything).add_node("n", lambda _: {"bad": [{"a": Unlisted()}]})
    compiled = graph.add_edge(START, "n").compile(checkpointer=saver)

    with pytest.raises(UnreadableType) as caught:
        compiled.invoke({"listed": 1}, config, durability=durability)

    assert caught.value.channel == "bad"
    assert caught.value.type is Unlisted
    assert "'bad'" in str(caught.value)
    assert not Write.objects.filter(channel="bad").exists()


async def test_an_async_run_is_refused_as_well(saver: ThreadHubSaver, config: Any) -> None:
    graph = StateGraph(Anything).add_node("n", lambda _: {"bad": {Unlisted(): 1}})
    compiled = graph.add_edge(START, "n").compile(checkpointer=saver)

    with pytest.raises(UnreadableType, match="'bad'"):
        await compiled.ainvoke({"listed": 1}, config)


def test_an_unreadable_metadata_value_is_refused(
    saver: ThreadHubSaver, config: Any, make_checkpoint: Any
) -> None:
    checkpoint, versions = make_checkpoint(text="x")

    with pytest.raises(UnreadableType, match="metadata"):
        saver.put(config, checkpoint, {"source": "loop", "mine": Unlisted()}, versions)

    assert not Checkpoint.objects.exists()

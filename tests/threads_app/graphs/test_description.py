from __future__ import annotations

import json

import pytest

from threads_app.graphs.inputs import InputUnfit
from threads_app.graphs.loader import load
from threads_app.graphs.project import read_project

HEAD = """
    import operator
    from dataclasses import dataclass
    from typing import Annotated, Any, Literal, Optional
    import typing
    from pydantic import BaseModel, field_validator
    from typing_extensions import TypedDict
    from langchain_core.messages import AnyMessage
    from langgraph.graph import END, START, StateGraph
    from langgraph.graph.message import add_messages
"""

GRAPH = """
    def work(state):
        return {}

    builder = StateGraph(State)
    builder.add_node("work", work)
    builder.add_edge(START, "work")
    builder.add_edge("work", END)
    graph = builder.compile()
"""

LENIENT = """
    def put(old, new):
        return old + [new]

    class State(TypedDict, total=False):
        messages: Annotated[list[AnyMessage], add_messages]
        number: int
        ratio: float
        label: Optional[str]
        mode: Literal["fast", "slow"]
        log: Annotated[list[str], put]
        names: Annotated[list[str], operator.add]
        anything: Any
"""


def agent(state: str, graph: str = GRAPH) -> dict[str, str]:
    return {"agent.py": HEAD + state + graph}


@pytest.fixture
def lenient(load_one):
    return load_one(files=agent(LENIENT))


def test_a_description_is_plain_json_with_everything_pages_show(load_one):
    state = """
    class State(TypedDict):
        number: int

    @dataclass
    class Context:
        tone: str = "dry"
    """
    graph = GRAPH.replace("StateGraph(State)", "StateGraph(State, context_schema=Context)")
    graph = graph.replace("compile()", 'compile(interrupt_before=["work"])')

    description = load_one(files=agent(state, graph)).description
    plain = json.loads(json.dumps(description.as_json()))

    assert [node["id"] for node in plain["nodes"]] == ["__start__", "work", "__end__"]
    assert plain["edges"][0] == {"source": "__start__", "target": "work"}
    assert plain["interrupt_points"] == {"before": ["work"], "after": []}
    assert plain["channels"] == {"number": "LastValue"}
    assert plain["output_channels"] == plain["stream_channels"] == ["number"]
    assert plain["has_context_schema"] is True
    assert plain["schemas"]["context"]["properties"]["tone"]["default"] == "dry"
    assert "tone" in plain["schemas"]["config"]["properties"]["configurable"]["properties"]
    assert plain["missing_schemas"] == {}


def test_a_description_survives_what_json_has_no_word_for(load_one):
    state = """
    class State(BaseModel):
        number: float = float("inf")
    """
    graph = GRAPH.replace(
        'add_node("work", work)', 'add_node("work", work, metadata={1: {2}, "far": float("nan")})'
    )

    loaded = load_one(files=agent(state, graph))

    assert json.dumps(loaded.description.as_json(), allow_nan=False)


def test_schemas_exist_for_the_typed_dicts_that_pydantic_refuses(load_one):
    state = """
    class Inner(typing.TypedDict):
        depth: int

    class State(typing.TypedDict, total=False):
        inner: list[Inner]
        label: Optional[str]
        messages: Annotated[list[AnyMessage], add_messages]
    """

    schema = load_one(files=agent(state)).description.schemas["input"]

    assert schema["$defs"]["Inner"]["properties"]["depth"]["type"] == "integer"
    assert set(schema["properties"]) == {"inner", "label", "messages"}
    assert "required" not in schema


def test_one_field_without_a_schema_does_not_cost_the_others(load_one):
    state = """
    class Odd:
        pass

    class State(TypedDict):
        odd: Odd
        number: int
    """

    schema = load_one(files=agent(state)).description.schemas["input"]

    assert schema["properties"]["number"]["type"] == "integer"
    assert "type" not in schema["properties"]["odd"]


def test_a_schema_that_cannot_be_generated_is_null_with_a_reason(load_one):
    state = """
    class Odd:
        pass

    class State(BaseModel, arbitrary_types_allowed=True):
        odd: Odd | None = None
    """

    loaded = load_one(files=agent(state))

    assert loaded.description.schemas["input"] is None
    assert "Odd" in loaded.description.missing_schemas["input"]
    loaded.check_input({"whatever": 1})


class TestFingerprint:
    def shape(self, write_project, folder, **replacements):
        source = HEAD + LENIENT + GRAPH
        for old, new in replacements.values():
            assert old in source
            source = source.replace(old, new)
        path = write_project(files={"agent.py": source}, folder=folder)
        return load(read_project(path))[0].fingerprint

    def test_it_is_the_same_for_other_function_bodies(self, write_project):
        body = ("return {}", 'print("hello"); return {"number": 3}')

        same = self.shape(write_project, "a") == self.shape(write_project, "b", body=body)

        assert same

    @pytest.mark.parametrize(
        "change",
        [
            ('"work"', '"toil"'),
            ("number: int", "amount: int"),
            ("compile()", 'compile(interrupt_after=["work"])'),
            ("Annotated[list[str], operator.add]", "list[str]"),
            ('builder.add_edge("work", END)', 'builder.add_edge("work", "work")'),
        ],
    )
    def test_it_changes_with_the_shape(self, write_project, change):
        assert self.shape(write_project, "a") != self.shape(write_project, "b", change=change)

    def test_it_changes_with_the_shape_of_a_subgraph(self, write_project):
        graph = (
            GRAPH
            + """
    outer = StateGraph(State)
    outer.add_node("inner", graph)
    outer.add_edge(START, "inner")
    graph = outer.compile()
        """
        )
        one = write_project(files=agent(LENIENT, graph), folder="a")
        two = write_project(files=agent(LENIENT, graph.replace('"work"', '"toil"')), folder="b")

        prints = [load(read_project(path))[0].fingerprint for path in (one, two)]

        assert prints[0] != prints[1]


class TestCheckInput:
    @pytest.mark.parametrize(
        "value",
        [
            None,
            {},
            {"messages": "hello"},
            {"messages": {"role": "user", "content": "hello"}},
            {"messages": [{"role": "user", "content": "hello"}, ["user", "again"]]},
            {"messages": [], "unknown": 1},
            {"number": 3, "ratio": 2, "label": None, "mode": "fast", "anything": {"a": [1]}},
            {"log": "one line for a reducer"},
            {"names": ["a"]},
        ],
    )
    def test_what_langgraph_accepts_passes(self, lenient, value):
        lenient.check_input(value)

    @pytest.mark.parametrize(
        ("value", "field"),
        [
            ({"number": "three"}, "number"),
            ({"number": 1.5}, "number"),
            ({"ratio": "half"}, "ratio"),
            ({"label": 3}, "label"),
            ({"mode": "warp"}, "mode"),
            ({"nonsense": 1}, "nonsense"),
        ],
    )
    def test_what_cannot_fit_is_refused_by_field(self, lenient, value, field):
        with pytest.raises(InputUnfit) as caught:
            lenient.check_input(value)

        assert list(caught.value.fields) == [field]
        assert caught.value.status == 422

    @pytest.mark.parametrize("value", ["text", 3, [1], True])
    def test_what_is_no_object_is_refused(self, lenient, value):
        with pytest.raises(InputUnfit, match="must be an object"):
            lenient.check_input(value)

    def test_a_graph_that_takes_a_number_takes_no_text(self, load_one):
        source = """
        from langgraph.func import entrypoint

        @entrypoint()
        def graph(number: int) -> int:
            return number
        """
        loaded = load_one(files={"agent.py": source})

        loaded.check_input(3)
        with pytest.raises(InputUnfit, match="not of type 'integer'"):
            loaded.check_input("three")

    def test_a_pydantic_state_decides_itself_and_may_miss_what_the_thread_has(self, load_one):
        state = """
    class State(BaseModel):
        number: int
        name: str

        @field_validator("number")
        @classmethod
        def _small(cls, value):
            if value > 9:
                raise ValueError("too large")
            return value
        """
        loaded = load_one(files=agent(state))

        loaded.check_input({"number": "7"})
        with pytest.raises(InputUnfit, match="too large"):
            loaded.check_input({"number": 10})

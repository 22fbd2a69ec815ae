"""Graphs that exist once their module is imported."""

from __future__ import annotations

import dataclasses
import warnings
from typing import Annotated, Any

from forms_types import Card, Color, Point
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langgraph.channels import LastValue
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.func import entrypoint, task
from langgraph.graph import START, StateGraph
from langgraph.prebuilt import create_react_agent
from langgraph.pregel import NodeBuilder, Pregel
from langgraph.runtime import Runtime
from langgraph.types import interrupt
from pydantic import BaseModel
from shared_graphs import State, asking, joined

compiled = asking().compile()
configured = asking().compile().with_config(tags=["fixture"])
own_saver = asking().compile(checkpointer=InMemorySaver())


class Whole(BaseModel):
    number: int = 0
    trail: Annotated[list[str], joined] = []
    card: Card | None = None
    point: Point | None = None


def model_prepare(state: Whole) -> dict[str, Any]:
    return {"card": Card(title="whole", color=Color.BLUE), "point": Point(3)}


def model_ask(state: Whole) -> dict[str, Any]:
    answer = interrupt("go on?")
    kinds = [type(value).__name__ for value in (state.card.color, state.card, state.point)]
    return {"trail": [f"answered {answer}", "+".join(kinds)]}


uncompiled = StateGraph(Whole).add_node("prepare", model_prepare).add_node("ask", model_ask)
uncompiled.add_edge(START, "prepare").add_edge("prepare", "ask")


@task
def add_one(number: int) -> Point:
    return Point(number + 1)


@entrypoint()
def functional(value: dict[str, Any]) -> dict[str, Any]:
    point = add_one(value["number"]).result()
    answer = interrupt("go on?")
    return {"trail": [f"answered {answer}", f"Color+Card+{type(point).__name__}"]}


def bare_ask(number: int) -> list[str]:
    return [f"answered {interrupt('go on?')}", "Color+Card+Point"]


bare: Pregel[Any, Any, Any, Any] = Pregel(
    nodes={"ask": NodeBuilder().subscribe_only("number").do(bare_ask).write_to("trail")},
    channels={"number": LastValue(int), "trail": LastValue(list)},
    input_channels=["number"],
    output_channels=["trail"],
)


class ScriptedModel(BaseChatModel):
    """Calls the tool once, then answers; its words depend on the messages alone."""

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Any, **_: Any) -> ScriptedModel:
        return self

    def _generate(self, messages: Any, *_: Any, **__: Any) -> ChatResult:
        if messages[-1].type == "tool":
            said = AIMessage(f"answered {messages[-1].content} Color+Card+Point")
        else:
            call = {"name": "confirm", "args": {"what": "it"}, "id": "call-1"}
            said = AIMessage("", tool_calls=[call])
        return ChatResult(generations=[ChatGeneration(message=said)])


def confirm(what: str) -> str:
    """Ask a person."""
    return str(interrupt({"tool": what}))


with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    agent = create_react_agent(ScriptedModel(), [confirm])


@dataclasses.dataclass
class Setting:
    language: str = "en"
    limit: int = 3


class SettingModel(BaseModel):
    language: str = "en"
    limit: int = 3


def with_setting(schema: Any) -> Any:
    def setting(state: State, runtime: Runtime[Any]) -> State:
        found = runtime.context
        assert isinstance(found, schema)
        return {"trail": [f"{found.language} {found.limit}"]}

    builder = StateGraph(State, context_schema=schema).add_node("setting", setting)
    builder.add_node("inner", compiled).add_edge(START, "setting").add_edge("setting", "inner")
    return builder.compile()


with_context = with_setting(Setting)
with_context_model = with_setting(SettingModel)

nested = StateGraph(State).add_node("inner", compiled).add_edge(START, "inner").compile()


@dataclasses.dataclass
class Demand:
    user: str


def for_user(state: State, runtime: Runtime[Demand]) -> State:
    return {"trail": [f"for {runtime.context.user}"]}


demanding = asking().add_node("last", for_user).add_edge("ask", "last")
demanding.context_schema = Demand

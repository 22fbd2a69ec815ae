"""A chat about this machine's packages: scripted and offline, or with a model of your own."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage, SystemMessage
from langchain_core.runnables import RunnableLambda
from langgraph.graph import END, START, MessagesState, StateGraph

from environment_audit import answers
from environment_audit.scripted_model import ScriptedChatModel

MODEL_VARIABLE = "THREADHUB_CHAT_MODEL"


class ChatModelError(RuntimeError):
    """The model that was named cannot be used; the message says what to do."""


def chat_model() -> BaseChatModel:
    """Return the model that THREADHUB_CHAT_MODEL names, the scripted one when it is empty."""
    name = os.environ.get(MODEL_VARIABLE, "").strip()
    return _named_model(name) if name else ScriptedChatModel()


@lru_cache(maxsize=4)
def _named_model(name: str) -> BaseChatModel:
    try:
        from langchain.chat_models import init_chat_model  # noqa: PLC0415  # an optional package
    except ImportError as error:
        raise ChatModelError(
            f"{MODEL_VARIABLE} names {name}, but the package langchain is not installed: install "
            "langchain and the provider's package, or leave the variable empty."
        ) from error
    try:
        return init_chat_model(name)  # type: ignore[no-any-return]
    except (ImportError, ValueError) as error:
        raise ChatModelError(
            f"{MODEL_VARIABLE} names {name}, which cannot be set up: {error}"
        ) from error


def _prompt(state: MessagesState, model: BaseChatModel) -> list[BaseMessage]:
    if isinstance(model, ScriptedChatModel):
        return list(state["messages"])
    about = f"Answer briefly, and only about this environment. {answers.facts()}"
    return [SystemMessage(about), *state["messages"]]


def answer(state: MessagesState) -> dict[str, Any]:
    """Answer the last message."""
    model = chat_model()
    return {"messages": [model.invoke(_prompt(state, model))]}


async def answer_async(state: MessagesState) -> dict[str, Any]:
    """Answer the last message without blocking the event loop."""
    model = chat_model()
    return {"messages": [await model.ainvoke(_prompt(state, model))]}


builder = StateGraph(MessagesState)
builder.add_node("answer", RunnableLambda(answer, afunc=answer_async))
builder.add_edge(START, "answer")
builder.add_edge("answer", END)
graph = builder.compile(name="chat")

from __future__ import annotations

import django
import pytest
from langchain_core.messages import AIMessageChunk

THREAD = {"configurable": {"thread_id": "chat-1"}}


@pytest.fixture
def chat(bound):
    return bound("chat")


def ask(chat, question):
    return chat.invoke({"messages": question}, THREAD)["messages"][-1]


@pytest.mark.parametrize(
    ("question", "part"),
    [
        ("How many packages are there?", "packages are installed."),
        ("Which version of Django is installed?", f"django {django.__version__} is installed"),
        ("What needs asgiref?", "asgiref is needed by channels"),
        ("What does django need?", "django needs asgiref and sqlparse."),
        ("Which licenses are in use?", "packages by license:"),
        ("What is the license of django?", "The license of django is BSD-3-Clause (permissive)."),
        ("Which packages are the largest?", "The largest packages are"),
        ("Do any requirements conflict?", "All requirements of the"),
        ("Which Python is this?", "This is CPython 3."),
        ("Tell me a joke", "Ask me about the Python packages"),
        ("", "Ask me about the Python packages"),
    ],
)
def test_questions_about_the_environment_are_answered(chat, question, part):
    assert part in ask(chat, question).text


def test_tokens_are_streamed_one_by_one_with_usage_at_the_end(chat):
    parts = [
        message
        for message, _ in chat.stream(
            {"messages": "What does django need?"}, THREAD, stream_mode="messages"
        )
    ]

    assert all(isinstance(part, AIMessageChunk) for part in parts)
    assert "".join(part.text for part in parts) == "django needs asgiref and sqlparse."
    assert [part.usage_metadata for part in parts[:-1]] == [None] * 5
    usage = parts[-1].usage_metadata
    assert (usage["input_tokens"], usage["output_tokens"], usage["total_tokens"]) == (4, 5, 9)


async def test_tokens_are_streamed_on_an_event_loop_too(chat):
    parts = [
        message.text
        async for message, _ in chat.astream(
            {"messages": "What does django need?"}, THREAD, stream_mode="messages"
        )
    ]

    assert len(parts) == 6
    assert "".join(parts) == "django needs asgiref and sqlparse."


def test_a_conversation_keeps_its_messages_and_its_usage(chat):
    ask(chat, "Which Python is this?")
    answer = ask(chat, "How many packages are there?")

    messages = chat.get_state(THREAD).values["messages"]
    assert [message.type for message in messages] == ["human", "ai", "human", "ai"]
    assert answer.usage_metadata["input_tokens"] > 5
    assert answer.response_metadata["model_name"] == "scripted"


def test_a_model_that_is_named_but_not_installed_is_said(chat, monkeypatch):
    monkeypatch.setenv("THREADHUB_CHAT_MODEL", "openai:gpt-4o")

    with pytest.raises(RuntimeError, match="names openai:gpt-4o, but the package langchain is not"):
        ask(chat, "Hello")


def test_a_real_model_is_told_the_environment(demo):
    from environment_audit.answers import facts

    assert f"django {django.__version__}" in facts()

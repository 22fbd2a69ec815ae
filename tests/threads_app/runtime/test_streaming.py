"""The way of a run's events from the graph to the log."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langchain_core.messages import AIMessageChunk

from threadhub.kernel.ids import new_id
from threadhub.kernel.streams.log import Item
from threads_app.runtime.leases import Lease
from threads_app.runtime.streaming import BUFFER_ITEMS, Buffer
from threads_app.runtime.translating import INLINE_VALUES, Translator


@pytest.fixture
def buffer() -> Buffer:
    """Return the buffer of some run."""
    lease = Lease(1, new_id(), 1, 1, 1, "t", 1, 1)
    return Buffer(lease, wake=lambda: None)


def token(text: str, *, name: str = "m1", **more: Any) -> tuple[AIMessageChunk, dict[str, Any]]:
    """Return a part of LangGraph's `messages` stream."""
    return AIMessageChunk(text, id=name, **more), {"langgraph_node": "talk", "secret": "x"}


async def test_tokens_of_one_message_become_one_event(buffer: Buffer) -> None:
    translator = Translator(requested=(), run_id=str(new_id()))
    for part in (token("a"), token("b"), token("c", name="m2"), token("d", name="m2")):
        await buffer.add(translator.translate((), "messages", part))
    await buffer.add(translator.translate((), "custom", {"between": True}))
    await buffer.add(translator.translate((), "messages", token("e", name="m2")))

    found = buffer.take()

    texts = [item.payload["message"]["content"] for item in found if item.kind == "messages"]
    assert texts == ["ab", "cd", "e"]
    assert found[0].payload["metadata"] == {"langgraph_node": "talk"}


async def test_a_full_buffer_holds_the_run_up_until_it_is_written(buffer: Buffer) -> None:
    for number in range(BUFFER_ITEMS):
        await buffer.add([Item("custom", number)])
    waiting = asyncio.create_task(buffer.add([Item("custom", "late")]))
    done, _ = await asyncio.wait([waiting], timeout=0.05)
    assert not done

    assert len(buffer.take()) == BUFFER_ITEMS
    await asyncio.wait_for(waiting, 5)

    assert [item.payload for item in buffer.take()] == ["late"]


def test_usage_is_summed_over_messages() -> None:
    translator = Translator(requested=(), run_id=str(new_id()))
    usage = {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}
    for name in ("m1", "m2"):
        translator.translate((), "messages", token("", name=name, usage_metadata=usage))

    assert translator.usage == {"input_tokens": 6, "output_tokens": 4, "total_tokens": 10}


def test_large_values_become_the_id_of_the_checkpoint_that_holds_them() -> None:
    translator = Translator(requested=("values",), run_id=str(new_id()))
    checkpoint = {
        "config": {"configurable": {"checkpoint_id": "c1"}},
        "metadata": {"step": 1, "source": "loop"},
        "next": [],
    }

    assert translator.translate((), "values", {"text": "x" * INLINE_VALUES}) == []
    compact, reference = translator.translate((), "checkpoints", checkpoint)

    assert compact.kind == "checkpoint" and "values" not in compact.payload
    assert reference.kind == "values"
    assert reference.payload == {"ns": "", "checkpoint_id": "c1"}
    (small,) = translator.translate((), "values", {"text": "x"})
    assert small.payload == {"ns": "", "data": {"text": "x"}}

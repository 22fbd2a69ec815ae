"""Lists of checkpoints: order, filters, limits, and nothing held in between."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from langgraph.checkpoint.memory import InMemorySaver

from checkpoints_app.models import Blob, LogItem
from checkpoints_app.saver import ThreadHubSaver
from checkpoints_app.serde import DamagedValue, DataSerializer

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]


def ids(found: Any) -> list[str]:
    return [stored.checkpoint["id"] for stored in found]


@pytest.fixture
def threads(saver: ThreadHubSaver, make_checkpoint: Any) -> list[str]:
    """Fill two threads with 120 checkpoints each in turns; return the ids, newest first."""
    made = []
    under: dict[str, Any] = {}
    for step in range(120):
        for thread in ("left", "right"):
            config = under.get(thread, {"configurable": {"thread_id": thread, "checkpoint_ns": ""}})
            checkpoint, versions = make_checkpoint(n=step, items=[f"text {step} " * 9] * 2)
            metadata = {"source": "loop", "step": step, "score": step % 3, "thread": thread}
            under[thread] = saver.put(config, checkpoint, metadata, versions)
            made.append(checkpoint["id"])
    return made[::-1]


class TestList:
    def test_without_a_config_covers_every_thread(
        self, saver: ThreadHubSaver, threads: list[str]
    ) -> None:
        assert ids(saver.list(None)) == threads

    def test_takes_a_limit(self, saver: ThreadHubSaver, threads: list[str]) -> None:
        left = {"configurable": {"thread_id": "left"}}

        assert ids(saver.list(None, limit=0)) == []
        assert ids(saver.list(None, limit=1)) == threads[:1]
        assert ids(saver.list(left, limit=77)) == threads[1::2][:77]

    def test_takes_an_earlier_than(self, saver: ThreadHubSaver, threads: list[str]) -> None:
        before = {"configurable": {"thread_id": "left", "checkpoint_id": threads[21]}}

        assert ids(saver.list(before | {}, before=before)) == []
        left = {"configurable": {"thread_id": "left"}}
        assert ids(saver.list(left, before=before)) == threads[23::2]

    @pytest.mark.parametrize(
        "wanted",
        [{"score": 1}, {"step": 7}, {"source": "loop", "score": 2}, {"thread": "left", "score": 0},
         {"score": True}, {"step": "7"}, {"absent": None}, {"absent": 1}, {"source": None},
         {"a' OR 1=1 --": 1}, {"step": 2**70}, {"source": "\ud800"}],
    )  # fmt: skip
    def test_filters_as_a_saver_in_memory_does(
        self, saver: ThreadHubSaver, threads: list[str], wanted: Any
    ) -> None:
        memory = InMemorySaver()
        for stored in saver.list(None):
            memory.put(stored.config, stored.checkpoint, stored.metadata, {})
        left = {"configurable": {"thread_id": "left"}}

        for limit in (None, 7):
            expected = ids(memory.list(left, filter=wanted, limit=limit))
            assert ids(saver.list(left, filter=wanted, limit=limit)) == expected

    def test_finds_what_a_page_of_headers_does_not_reach(
        self, saver: ThreadHubSaver, threads: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("checkpoints_app.storage.reading._HEADER_PAGE", 10)

        found = list(saver.list(None, filter={"score": 1, "thread": "left"}))

        assert len(found) == 40
        assert ids(found) == sorted(ids(found), reverse=True)

    def test_holds_nothing_while_it_is_paused(
        self, saver: ThreadHubSaver, threads: list[str], config: Any, make_checkpoint: Any
    ) -> None:
        paused = saver.list(None)
        next(paused)

        checkpoint, versions = make_checkpoint(a=1)
        saver.put(config, checkpoint, {"source": "input"}, versions)
        saver.delete_thread("left")

        assert len(list(paused)) >= 49

    async def test_pages_through_async_as_well(
        self, saver: ThreadHubSaver, threads: list[str]
    ) -> None:
        assert [stored.checkpoint["id"] async for stored in saver.alist(None)] == threads


def test_values_are_shown_as_data_without_their_types(
    saver: ThreadHubSaver, chat: Any, say: Any, config: Any
) -> None:
    say(chat.compile(checkpointer=saver), config, 2)

    found = ThreadHubSaver(serde=DataSerializer()).get_tuple(config)

    assert found is not None
    messages = found.checkpoint["channel_values"]["messages"]
    assert messages[0]["__type__"] == "langchain_core.messages.human.HumanMessage"
    assert messages[3]["content"].startswith("Answer 3")
    assert found.metadata["step"] == 4


class TestDamage:
    @pytest.fixture
    def stored(self, saver: ThreadHubSaver, config: Any, make_checkpoint: Any) -> Any:
        checkpoint, versions = make_checkpoint(
            text="x" * 500, items=[HumanMessage(f"text {at} " * 20) for at in range(3)]
        )
        return saver.put(config, checkpoint, {"source": "loop"}, versions)

    def test_missing_values_are_reported(self, saver: ThreadHubSaver, stored: Any) -> None:
        Blob.objects.filter(kind="msgpack").all().delete()

        with pytest.raises(DamagedValue):
            saver.get_tuple(stored)

    def test_missing_list_items_are_reported(self, saver: ThreadHubSaver, stored: Any) -> None:
        LogItem.objects.filter(pos=0).delete()

        with pytest.raises(DamagedValue, match="0 of 3"):
            saver.get_tuple(stored)

    def test_changed_bytes_are_reported(self, saver: ThreadHubSaver, stored: Any) -> None:
        Blob.objects.update(data=b"\x28\xb5\x2f\xfd" + b"x" * 20)

        with pytest.raises(DamagedValue):
            saver.get_tuple(stored)

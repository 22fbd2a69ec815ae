"""The official conformance suite, through the async and the sync methods."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.conformance import checkpointer_test, validate

from checkpoints_app.saver import ThreadHubSaver

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]

BASE = {"put": 17, "put_writes": 10, "get_tuple": 10, "list": 16, "delete_thread": 5}


class SyncFacade(BaseCheckpointSaver[str]):
    """Answers async calls by the sync methods of a saver."""

    def __init__(self, saver: ThreadHubSaver) -> None:
        super().__init__(serde=saver.serde)
        self.saver = saver

    def get_next_version(self, current: str | None, channel: None) -> str:
        return self.saver.get_next_version(current, channel)

    async def aput(self, *args: Any, **kwargs: Any) -> Any:
        return self.saver.put(*args, **kwargs)

    async def aput_writes(self, *args: Any, **kwargs: Any) -> None:
        self.saver.put_writes(*args, **kwargs)

    async def aget_tuple(self, *args: Any, **kwargs: Any) -> Any:
        return self.saver.get_tuple(*args, **kwargs)

    async def alist(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        for found in self.saver.list(*args, **kwargs):
            yield found

    async def adelete_thread(self, *args: Any, **kwargs: Any) -> None:
        self.saver.delete_thread(*args, **kwargs)


@pytest.mark.parametrize("facade", [lambda saver: saver, SyncFacade], ids=["async", "sync"])
async def test_all_base_capabilities_are_detected_and_pass(
    saver: ThreadHubSaver, facade: Any
) -> None:
    @checkpointer_test(name="threadhub")
    async def registered() -> AsyncIterator[BaseCheckpointSaver[str]]:
        yield facade(saver)

    report = await validate(registered)

    results = report.to_dict()["results"]
    assert report.passed_all_base(), results
    passed = {name: results[name]["tests_passed"] for name in BASE if results[name]["detected"]}
    assert passed == BASE

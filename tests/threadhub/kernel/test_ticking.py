"""The tick: what comes of a duty that fails, or takes its time."""

from __future__ import annotations

import threading
from datetime import datetime

import pytest

from threadhub.kernel import ticking
from threadhub.kernel.ticking import Ticker


def test_a_tick_under_way_does_not_keep_its_process_from_ending(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun, over, ended = threading.Event(), threading.Event(), threading.Event()

    def tick(*, now: datetime) -> None:
        begun.set()
        over.wait(10)
        ended.set()

    monkeypatch.setattr(ticking, "tick_alone", tick)
    ticker = Ticker(seconds=0.01)
    ticker.start()
    assert begun.wait(10)

    ticker.stop(seconds=0.1)

    assert not ended.is_set()
    over.set()
    assert ended.wait(10)

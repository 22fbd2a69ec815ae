"""The event loops that graphs run on."""

from __future__ import annotations

import threading

from threads_app.runtime import loops
from threads_app.runtime.loops import Loops


def test_a_graph_that_holds_its_loop_does_not_keep_the_process_from_ending() -> None:
    held, gate = threading.Event(), threading.Event()
    running = Loops(1)
    shard = running.next()

    def hold() -> None:
        held.set()
        gate.wait(30)

    shard.loop.call_soon_threadsafe(hold)
    assert held.wait(10)
    stopping = threading.Thread(target=running.stop)
    stopping.start()
    stopping.join(loops.JOIN_SECONDS + 5)

    assert not stopping.is_alive()
    gate.set()

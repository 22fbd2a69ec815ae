"""What happens to threads and runs, told to the floors above and to workers."""

from __future__ import annotations

from dataclasses import dataclass

from threadhub.kernel import events


@events.declare("threads.run_requested")
@dataclass(frozen=True, slots=True)
class RunRequested:
    """A run waits for a worker."""

    run_id: int


@events.declare("threads.run_finished")
@dataclass(frozen=True, slots=True)
class RunFinished:
    """A run has come to an end; its thread can take the next one."""

    run_id: int
    thread_id: int
    status: str


@events.declare("threads.state_changed")
@dataclass(frozen=True, slots=True)
class StateChanged:
    """Somebody wrote into a thread's state, which may have answered or dropped its questions."""

    thread_id: int


@events.declare("threads.run_cancel_requested")
@dataclass(frozen=True, slots=True)
class RunCancelRequested:
    """Somebody asked to stop a run that a worker is executing."""

    run_id: int

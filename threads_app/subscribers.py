"""What the thread domain does about events."""

from __future__ import annotations

from threadhub.kernel import events
from threads_app import tasks
from threads_app.events import RunCancelRequested, RunFinished, RunRequested
from threads_app.runtime import engine
from threads_app.selectors import runs


@events.subscribe(RunRequested)
def hint_worker(event: RunRequested) -> None:
    """Tell a worker that a run waits."""
    tasks.hint(run_id=event.run_id)


@events.subscribe(RunFinished)
def hint_next(event: RunFinished) -> None:
    """Tell a worker about the thread's next run, if there is one."""
    following = runs.next_due(thread_id=event.thread_id)
    if following is not None:
        tasks.hint(run_id=following)


@events.subscribe(RunCancelRequested)
def stop_run(_: RunCancelRequested) -> None:
    """Look at once, if the run is executed by this process; another looks within a second."""
    engine.look_for_cancelled()

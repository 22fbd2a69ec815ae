"""Celery tasks of the thread domain: hints, safe to run twice."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from threadhub.kernel import hinting
from threads_app.runtime import engine


@shared_task(name="threads.execute_run")
def execute_run(*, run_id: int, **_: Any) -> None:
    """Execute the oldest due run of the hinted run's thread, if there is one."""
    engine.current().execute(run_id=run_id)


def hint(*, run_id: int) -> None:
    """Tell a worker to look; without a broker the tick tells again, or a worker finds the run."""
    hinting.tell(lambda: execute_run.delay(run_id=run_id), about="a run")

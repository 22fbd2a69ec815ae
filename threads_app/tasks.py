"""Celery tasks of the thread domain: hints, safe to run twice."""

from __future__ import annotations

import logging
from typing import Any

from celery import shared_task

from threads_app.runtime import engine

logger = logging.getLogger(__name__)


@shared_task(name="threads.execute_run")
def execute_run(*, run_id: int, **_: Any) -> None:
    """Execute the oldest due run of the hinted run's thread, if there is one."""
    engine.current().execute(run_id=run_id)


def hint(*, run_id: int) -> None:
    """Tell a worker to look; without a broker the tick tells again, or a worker finds the run."""
    try:
        execute_run.delay(run_id=run_id)
    except Exception as error:  # noqa: BLE001  # each transport has exceptions of its own
        # Raised, it would keep the event from who else waits for it.
        logger.warning("A worker could not be told of a run: %s", error)

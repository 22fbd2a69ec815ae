"""The Celery application; its messages are hints, the database owns the work."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery, signals

from threadhub.kernel.observability import correlation

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "threadhub.settings.embedded")

HEADER = "threadhub_correlation_id"

app = Celery("threadhub")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

_open: dict[str, Any] = {}


@signals.before_task_publish.connect
def _send_correlation(headers: dict[str, Any] | None = None, **_: Any) -> None:
    if headers is not None and correlation.current():
        headers[HEADER] = correlation.current()


@signals.task_prerun.connect
def _enter_correlation(task_id: str, task: Any, **_: Any) -> None:
    scope = correlation.correlated(task.request.get(HEADER) or "")
    scope.__enter__()
    _open[task_id] = scope


@signals.task_postrun.connect
def _leave_correlation(task_id: str, **_: Any) -> None:
    if scope := _open.pop(task_id, None):
        scope.__exit__(None, None, None)

"""What a finished run returns to a client that waited for it."""

from __future__ import annotations

from typing import Any

from threadhub.kernel.errors import NotVisible, ThreadHubError
from threads_app.models import Interrupt, Run
from threads_app.selectors import streams
from threads_app.services import state
from threads_app.services.state import Place


def result(*, run_id: int) -> dict[str, Any]:
    """Return the output values, with `__interrupt__` or `__error__` where the run left that."""
    run = _found(run_id)
    if run is None:
        return {"__error__": {"error": "RunDeleted", "message": "The run was deleted."}}
    if run.error_class:
        return {"__error__": {"error": run.error_class, "message": run.error_message}}
    try:
        values = _output(run)
    except ThreadHubError as error:
        return {"__error__": {"error": type(error).__name__, "message": error.message}}
    asked = Interrupt.objects.open().filter(run=run).order_by("id")
    if questions := [{"value": row.value, "id": row.interrupt_id} for row in asked]:
        values["__interrupt__"] = questions
    return values


def output(*, run_id: int) -> dict[str, Any]:
    """Return the output values of a run as data. Raises NotVisible, and what reading them does."""
    run = _found(run_id)
    if run is None:
        raise NotVisible("The run was deleted.")
    return _output(run)


def _found(run_id: int) -> Run | None:
    return Run.objects.select_related("thread", "graph").filter(pk=run_id).first()


def _output(run: Run) -> dict[str, Any]:
    checkpoint_id = streams.last_checkpoint(run_id=run.public_id)
    if not checkpoint_id:
        return {}
    place = Place(checkpoint_id=checkpoint_id)
    channels = run.graph.description.get("output_channels", ())
    return state.values_at(thread=run.thread, place=place, channels=channels)

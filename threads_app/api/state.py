"""Routes about a thread's state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from threadhub.kernel import clock
from threadhub.kernel.api.views import queried, validated
from threadhub.kernel.errors import Invalid
from threads_app.services import state
from threads_app.services.state import LATEST, Place

from . import inputs, outputs
from .routes import ThreadRoute

if TYPE_CHECKING:
    from rest_framework.request import Request

    from threads_app.models import Thread

ERRORS = {404: outputs.ErrorOutput, 422: outputs.ErrorOutput}


def place_of(checkpoint: dict[str, Any] | None, checkpoint_id: str | None = None) -> Place:
    """Return the place a body names; the latest state when it names none."""
    checkpoint = checkpoint or {}
    return Place(
        checkpoint_id=checkpoint_id or checkpoint.get("checkpoint_id") or "",
        namespace=checkpoint.get("checkpoint_ns") or "",
    )


class StateView(ThreadRoute):
    """/threads/{thread_id}/state."""

    needs = {"GET": "read", "POST": "write"}

    @extend_schema(
        operation_id="get_state",
        parameters=[inputs.StateQuery],
        responses={200: outputs.StateOutput, **ERRORS},
    )
    def get(self, request: Request, thread_id: str) -> Response:
        """Return the latest state of the thread."""
        thread = self.find_thread(thread_id, "graph")
        given = queried(inputs.StateQuery, request)
        return shown(thread, LATEST, given)

    @extend_schema(
        operation_id="update_state",
        request=inputs.StateUpdateInput,
        responses={200: outputs.StateUpdatedOutput, 409: outputs.ErrorOutput, **ERRORS},
    )
    def post(self, request: Request, thread_id: str) -> Response:
        """Write values into the state, as if a node had; refused while a run executes."""
        thread = self.find_thread(thread_id, "graph")
        given = validated(inputs.StateUpdateInput, request)
        place = state.update(
            thread=thread,
            values=given.get("values"),
            as_node=given.get("as_node"),
            place=place_of(given.get("checkpoint"), given.get("checkpoint_id")),
            now=clock.now(),
        )
        return Response({"checkpoint": place})


class StateAtView(ThreadRoute):
    """/threads/{thread_id}/state/{checkpoint_id}."""

    needs = {"GET": "read"}

    @extend_schema(
        operation_id="get_state_at",
        parameters=[inputs.StateQuery],
        responses={200: outputs.StateOutput, **ERRORS},
    )
    def get(self, request: Request, thread_id: str, checkpoint_id: str) -> Response:
        """Return the state at a checkpoint of the root namespace."""
        thread = self.find_thread(thread_id, "graph")
        given = queried(inputs.StateQuery, request)
        place = place_of(None, checkpoint_id)
        return shown(thread, place, given)


class StateAtCheckpointView(ThreadRoute):
    """/threads/{thread_id}/state/checkpoint."""

    needs = {"POST": "read"}

    @extend_schema(
        operation_id="get_state_at_checkpoint",
        request=inputs.StateAtInput,
        responses={200: outputs.StateOutput, **ERRORS},
    )
    def post(self, request: Request, thread_id: str) -> Response:
        """Return the state at a checkpoint of any namespace."""
        thread = self.find_thread(thread_id, "graph")
        given = validated(inputs.StateAtInput, request)
        place = place_of(given["checkpoint"])
        return shown(thread, place, given)


class HistoryView(ThreadRoute):
    """/threads/{thread_id}/history."""

    needs = {"GET": "read", "POST": "read"}

    @extend_schema(
        operation_id="get_history",
        parameters=[inputs.HistoryQuery],
        responses={200: outputs.StateOutput(many=True), **ERRORS},
    )
    def get(self, request: Request, thread_id: str) -> Response:
        """Return the thread's states, newest first."""
        return self._answer(thread_id, queried(inputs.HistoryQuery, request))

    @extend_schema(
        operation_id="search_history",
        request=inputs.HistoryInput,
        responses={200: outputs.StateOutput(many=True), **ERRORS},
    )
    def post(self, request: Request, thread_id: str) -> Response:
        """Return the thread's states, newest first, filtered by metadata."""
        return self._answer(thread_id, validated(inputs.HistoryInput, request))

    def _answer(self, thread_id: str, given: dict[str, Any]) -> Response:
        thread = self.find_thread(thread_id, "graph")
        found = state.history(
            thread=thread,
            limit=given["limit"],
            before=_before(given.get("before")),
            namespace=(given.get("checkpoint") or {}).get("checkpoint_ns") or "",
            metadata=given.get("metadata"),
        )
        return Response([outputs.state(one, given.get("select")) for one in found])


def shown(thread: Thread, place: Place, given: dict[str, Any]) -> Response:
    """Answer with the state at a place, as far as the query asks for it. Imports the graph."""
    found = state.read(thread=thread, place=place, subgraphs=given["subgraphs"])
    return Response(outputs.state(found, given.get("select")))


def _before(given: Any) -> str:
    """Return the checkpoint id: clients send it alone, as a checkpoint or as a config."""
    if isinstance(given, dict):
        given = given.get("configurable", given)
    if isinstance(given, dict):
        given = given.get("checkpoint_id")
    if given is not None and not isinstance(given, str):
        raise Invalid(
            "`before` names a checkpoint by its id.", fields={"before": ["Not a checkpoint."]}
        )
    return given or ""

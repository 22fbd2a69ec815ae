"""Routes about runs that name no thread, and about many runs at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from threadhub.kernel import clock
from threadhub.kernel.api.views import ProtectedView, queried, validated, validated_many
from threadhub.kernel.errors import NotVisible
from threads_app.models import Run
from threads_app.selectors import assistants
from threads_app.services import runs

from . import orders, outputs, run_inputs
from .runs import ERRORS, START_ERRORS, STREAM, StartingRoute, accepted, created, streamed, waited

if TYPE_CHECKING:
    from django.http import HttpResponseBase
    from rest_framework.request import Request

    from threads_app.services.runs import RunOrder


class AloneRoute(StartingRoute):
    """A route that gives a run a thread of its own."""

    needs = {"POST": "execute"}

    def start_alone(self, request: Request) -> tuple[Run, dict[str, Any]]:
        """Accept the run the body describes. Raises Invalid, ThreadNeeded, KeyReused."""
        given = validated(run_inputs.StatelessRunInput, request)
        return self.accept_alone(given, orders.order(request, given)), given

    def accept_alone(self, given: dict[str, Any], order: RunOrder) -> Run:
        """Accept a run on a new thread, deleted after it unless the body says keep."""
        user = self.request.user
        run = runs.start_alone(
            assistant=assistants.resolve(given["assistant_id"], user=user),
            actor=user,
            order=order,
            now=clock.now(),
            keep=given["on_completion"] == "keep",
        )
        run.is_told = True  # type: ignore[attr-defined]  # on one's own thread
        return run


class AloneRunsView(AloneRoute):
    """/runs."""

    @extend_schema(
        operation_id="create_stateless_run",
        request=run_inputs.StatelessRunInput,
        responses={200: outputs.RunOutput, **START_ERRORS},
    )
    def post(self, request: Request) -> Response:
        """Start a run on a thread of its own and return at once."""
        run, _ = self.start_alone(request)
        return created(run)


class AloneStreamView(AloneRoute):
    """/runs/stream."""

    @extend_schema(
        operation_id="stream_stateless_run",
        request=run_inputs.StatelessRunInput,
        responses={(200, "text/event-stream"): STREAM, **START_ERRORS},
    )
    def post(self, request: Request) -> HttpResponseBase:
        """Start a run on a thread of its own and stream it until it ends."""
        run, given = self.start_alone(request)
        return streamed(request, run, given)


class AloneWaitView(AloneRoute):
    """/runs/wait."""

    @extend_schema(
        operation_id="wait_stateless_run",
        request=run_inputs.StatelessRunInput,
        responses={200: OpenApiTypes.OBJECT, **START_ERRORS},
    )
    def post(self, request: Request) -> HttpResponseBase:
        """Start a run on a thread of its own and return its output values when it has ended."""
        run, given = self.start_alone(request)
        return waited(request, run, given)


class RunBatchView(AloneRoute):
    """/runs/batch."""

    @extend_schema(
        operation_id="create_runs",
        request=run_inputs.BatchedRunInput(many=True),
        responses={200: outputs.RunOutput(many=True), **START_ERRORS},
    )
    def post(self, request: Request) -> Response:
        """Start up to 100 runs, in order; what stands before a refused one has been started."""
        bodies = validated_many(run_inputs.BatchedRunInput, request, most=run_inputs.BATCH_LIMIT)
        ordered = [orders.order(request, given) for given in bodies]
        # Most of what can be refused is refused before the first run starts.
        for given, order in zip(bodies, ordered, strict=True):
            assistant = assistants.resolve(given["assistant_id"], user=request.user)
            runs.check(order, assistant.graph)
        pairs = enumerate(zip(bodies, ordered, strict=True))
        started = [
            self._start(given, orders.placed(order, place=place)) for place, (given, order) in pairs
        ]
        return Response([accepted(run) for run in started])

    def _start(self, given: dict[str, Any], order: RunOrder) -> Run:
        if given.get("thread_id"):
            return self.accept(given["thread_id"], given, order)
        return self.accept_alone(given, order)


class RunsCancelView(ProtectedView):
    """/runs/cancel."""

    protected = Run
    needs = {"POST": "execute"}

    @extend_schema(
        operation_id="cancel_runs",
        request=run_inputs.BulkCancelInput,
        parameters=[run_inputs.BulkCancelQuery],
        responses={204: None, 501: outputs.ErrorOutput, **ERRORS},
    )
    def post(self, request: Request) -> Response:
        """Ask many runs to stop; those that have ended meanwhile are left as they are."""
        given = validated(run_inputs.BulkCancelInput, request)
        queried(run_inputs.BulkCancelQuery, request)
        for run in self._named(given):
            try:
                runs.cancel(run=run, actor=request.user, now=clock.now())
            except NotVisible:
                continue
        return Response(status=204)

    def _named(self, given: dict[str, Any]) -> list[Run]:
        found = self.visible()
        if status := given.get("status"):
            wanted = ["pending", "running"] if status == "all" else [status]
            return list(found.filter(status__in=wanted).order_by("id"))
        wanted_ids = set(given["run_ids"])
        named = found.filter(thread__public_id=given["thread_id"], public_id__in=wanted_ids)
        rows = list(named.order_by("id"))
        if len(rows) < len(wanted_ids):
            raise NotVisible("There are no such runs on this thread.")
        return rows

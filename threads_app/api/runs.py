"""Routes about runs."""

from __future__ import annotations

from contextlib import suppress
from contextvars import copy_context
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.response import Response

from threadhub.kernel import clock
from threadhub.kernel.api.pagination import page, respond
from threadhub.kernel.api.sse import Abandon, last_event_id, may_watch
from threadhub.kernel.api.views import queried, validated
from threadhub.kernel.errors import NotVisible
from threadhub.kernel.rbac import access
from threads_app.models import Assistant, Run, Thread
from threads_app.selectors import assistants
from threads_app.services import runs, state, threads
from threads_app.services.state import Place

from . import orders, outputs, run_inputs, sse
from .routes import RunRoute, ThreadRoute, parse_id
from .sse import Watching

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.http import HttpResponseBase
    from rest_framework.request import Request

    from threadhub.kernel.rbac.querysets import Action
    from threads_app.querysets import RunQuerySet
    from threads_app.services.runs import RunOrder

UNSEEN = ("graph__description", "thread__values_preview")
ERRORS = {404: outputs.ErrorOutput, 422: outputs.ErrorOutput}
START_ERRORS = {
    400: outputs.ErrorOutput,
    409: outputs.ErrorOutput,
    501: outputs.ErrorOutput,
    **ERRORS,
}
STREAM = OpenApiResponse(OpenApiTypes.STR, description="Server-sent events.")


def _headers(run: Run, leaf: str = "") -> dict[str, str]:
    """Return where the run is; clients resolve it against the API's root, wherever that is."""
    address = f"/threads/{quote(run.thread.public_id, safe='')}/runs/{run.public_id}"
    headers = {"Content-Location": address}
    return {**headers, "Location": f"{address}/{leaf}"} if leaf else headers


class StartingRoute(ThreadRoute):
    """What the routes that start a run share."""

    # Whether the answer holds what the run produces, which one must be allowed to read.
    shows_output = False
    tells = "read"

    def start(self, request: Request, thread_id: str) -> tuple[Run, dict[str, Any]]:
        """Accept the run the body describes. Raises NotVisible, Conflict, Invalid."""
        given = validated(run_inputs.RunCreateInput, request)
        order = orders.order(request, given)
        return self.accept(thread_id, given, order), given

    def accept(self, thread_id: str, given: dict[str, Any], order: RunOrder) -> Run:
        """Accept a run on a thread, made if the body says so."""
        user = self.request.user
        assistant = assistants.resolve(given["assistant_id"], user=user)
        thread = self._thread(thread_id, given, assistant, order)
        if place := order.options["checkpoint"]:
            state.demand(thread=thread, place=Place(**place))
        run = runs.start(
            thread=thread, assistant=assistant, actor=user, order=order, now=clock.now()
        )
        run.is_told = thread.is_told  # type: ignore[attr-defined]
        return run

    def _thread(
        self, thread_id: str, given: dict[str, Any], assistant: Assistant, order: RunOrder
    ) -> Thread:
        try:
            thread = self.find_thread(thread_id)
            for action in self._also_needed(order):
                access.demand(self.request.user, action, thread)
            return thread
        except NotVisible:
            if given["if_not_exists"] != "create":
                raise
        # What is refused leaves no empty thread behind.
        runs.check(order, assistant.graph)
        key = parse_id(thread_id, "thread_id")
        # Made by another request in the meantime, it may be somebody else's.
        with suppress(threads.ThreadExists):
            threads.create(actor=self.request.user, now=clock.now(), public_id=key)
        return self.find_thread(thread_id)

    def _also_needed(self, order: RunOrder) -> Iterator[Action]:
        """Yield what one must be allowed to do beside starting the run."""
        if self.shows_output:
            yield "read"
        # They change the state as `update_state` does, whatever the graph would ask first.
        command = order.command or {}
        if command.get("update") is not None or command.get("goto") is not None:
            yield "write"


def created(run: Run) -> Response:
    """Answer with a run that was accepted."""
    return respond(accepted(run), _headers(run))


def accepted(run: Run) -> dict[str, Any]:
    """Return a run that was accepted as JSON, its order for those only who may read it."""
    return outputs.run(run, is_told=run.is_told)  # type: ignore[attr-defined]


def streamed(request: Request, run: Run, given: dict[str, Any]) -> HttpResponseBase:
    """Answer with the stream of a run that was accepted."""
    watching = Watching(
        run=run,
        modes=frozenset(orders.modes(given)),
        subgraphs=given["stream_subgraphs"],
        may_watch=may_watch(request, run, "read"),
        abandon=_canceller(request, run) if given["on_disconnect"] == "cancel" else None,
    )
    return sse.respond(watching, _headers(run, "stream"))


def waited(request: Request, run: Run, given: dict[str, Any]) -> HttpResponseBase:
    """Answer with the result of a run that was accepted, once it is there."""
    abandon = _canceller(request, run) if given["on_disconnect"] == "cancel" else None
    watching = Watching(run=run, may_watch=may_watch(request, run, "read"), abandon=abandon)
    return sse.respond_waiting(watching, _headers(run, "join"))


class RunsView(StartingRoute):
    """/threads/{thread_id}/runs."""

    needs = {"GET": "read", "POST": "execute"}

    @extend_schema(
        operation_id="list_runs",
        parameters=[run_inputs.RunListQuery],
        responses={200: outputs.RunOutput(many=True), **ERRORS},
    )
    def get(self, request: Request, thread_id: str) -> Response:
        """Return the thread's runs, newest first."""
        thread = self.find_thread(thread_id)
        given = queried(run_inputs.RunListQuery, request)
        found: RunQuerySet = Run.objects.visible_to(request.user, "read").filter(thread=thread)
        if given.get("status"):
            found = found.with_shown_status(given["status"])
        found = found.select_related("thread", "graph").defer(*UNSEEN).order_by("-id")
        rows, headers = page(found, limit=given["limit"], offset=given["offset"])
        shown = outputs.selected([outputs.run(row) for row in rows], given.get("select"))
        return respond(shown, headers)

    @extend_schema(
        operation_id="create_run",
        request=run_inputs.RunCreateInput,
        responses={200: outputs.RunOutput, **START_ERRORS},
    )
    def post(self, request: Request, thread_id: str) -> Response:
        """Start a run and return at once."""
        run, _ = self.start(request, thread_id)
        return created(run)


class RunStreamView(StartingRoute):
    """/threads/{thread_id}/runs/stream."""

    needs = {"POST": "execute"}
    shows_output = True

    @extend_schema(
        operation_id="stream_run",
        request=run_inputs.RunCreateInput,
        responses={(200, "text/event-stream"): STREAM, **START_ERRORS},
    )
    def post(self, request: Request, thread_id: str) -> HttpResponseBase:
        """Start a run and stream it until it ends."""
        run, given = self.start(request, thread_id)
        return streamed(request, run, given)


class RunWaitView(StartingRoute):
    """/threads/{thread_id}/runs/wait."""

    needs = {"POST": "execute"}
    shows_output = True

    @extend_schema(
        operation_id="wait_run",
        request=run_inputs.RunCreateInput,
        responses={200: OpenApiTypes.OBJECT, **START_ERRORS},
    )
    def post(self, request: Request, thread_id: str) -> HttpResponseBase:
        """Start a run and return its output values when it has ended."""
        run, given = self.start(request, thread_id)
        return waited(request, run, given)


class RunView(RunRoute):
    """/threads/{thread_id}/runs/{run_id}."""

    needs = {"GET": "read", "DELETE": "delete"}

    @extend_schema(operation_id="get_run", responses={200: outputs.RunOutput, **ERRORS})
    def get(self, request: Request, thread_id: str, run_id: str) -> Response:
        """Return a run."""
        return Response(outputs.run(self.find_run(thread_id, run_id)))

    @extend_schema(
        operation_id="delete_run", responses={204: None, 409: outputs.ErrorOutput, **ERRORS}
    )
    def delete(self, request: Request, thread_id: str, run_id: str) -> Response:
        """Delete a run; one under way is cut off. The state it wrote stays."""
        runs.delete(run=self.find_run(thread_id, run_id), now=clock.now())
        return Response(status=204)


class RunJoinView(RunRoute):
    """/threads/{thread_id}/runs/{run_id}/join."""

    needs = {"GET": "read"}

    @extend_schema(operation_id="join_run", responses={200: OpenApiTypes.OBJECT, **ERRORS})
    def get(self, request: Request, thread_id: str, run_id: str) -> HttpResponseBase:
        """Wait for a run to end and return its output values."""
        run = self.find_run(thread_id, run_id)
        watching = Watching(run=run, may_watch=may_watch(request, run, "read"))
        return sse.respond_waiting(watching, _headers(run, "join"))


class RunJoinStreamView(RunRoute):
    """/threads/{thread_id}/runs/{run_id}/stream."""

    needs = {"GET": "read"}

    @extend_schema(
        operation_id="join_run_stream",
        parameters=[run_inputs.RunStreamQuery],
        responses={(200, "text/event-stream"): STREAM, **ERRORS},
    )
    def get(self, request: Request, thread_id: str, run_id: str) -> HttpResponseBase:
        """Stream a run from its start, or from the event after `Last-Event-ID`."""
        return joined(request, self.find_run(thread_id, run_id))


def joined(request: Request, run: Run) -> HttpResponseBase:
    """Answer with the stream of a run that exists, as the query asks for it."""
    given = queried(run_inputs.RunStreamQuery, request)
    abandon = None
    if given["cancel_on_disconnect"]:
        access.get(Run.objects.all(), user=request.user, action="execute", pk=run.pk)
        abandon = _canceller(request, run)
    watching = Watching(
        run=run,
        modes=frozenset(given.get("stream_mode") or run.options["stream_modes"]),
        subgraphs=run.options.get("stream_subgraphs", False),
        after=last_event_id(request),
        may_watch=may_watch(request, run, "read"),
        abandon=abandon,
    )
    return sse.respond(watching, _headers(run, "stream"))


class RunCancelView(RunRoute):
    """/threads/{thread_id}/runs/{run_id}/cancel."""

    needs = {"POST": "execute"}

    @extend_schema(
        operation_id="cancel_run",
        request=None,
        parameters=[run_inputs.CancelQuery],
        responses={202: None, 200: OpenApiTypes.OBJECT, **ERRORS},
    )
    def post(self, request: Request, thread_id: str, run_id: str) -> HttpResponseBase:
        """Ask a run to stop; with `wait`, answer when it has."""
        run = self.find_run(thread_id, run_id)
        given = queried(run_inputs.CancelQuery, request)
        if given["wait"]:
            access.demand(request.user, "read", run)
        runs.cancel(run=run, actor=request.user, now=clock.now())
        headers = _headers(run, "join")
        if given["wait"]:
            watching = Watching(run=run, may_watch=may_watch(request, run, "read"))
            return sse.respond_waiting(watching, headers)
        return respond(None, headers, status=202)


def _canceller(request: Request, run: Run) -> Abandon:
    """Return what cancels the run in the caller's name, long after the request was handled."""

    def cancel() -> None:
        try:
            runs.cancel(run=run, actor=request.user, now=clock.now())
        except NotVisible:
            # It ended while the client went away.
            return

    context = copy_context()
    return lambda: context.run(cancel)

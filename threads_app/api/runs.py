"""Routes about runs."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from threadhub.kernel import clock
from threadhub.kernel.api.pagination import page, respond
from threadhub.kernel.api.views import ProtectedView, queried, validated
from threadhub.kernel.errors import Invalid, NotVisible
from threadhub.kernel.rbac import access
from threads_app.models import Run, Thread
from threads_app.selectors import graphs
from threads_app.services import runs, threads
from threads_app.services.runs import RunOrder

from . import inputs, outputs, sse
from .sse import Watching
from .threads import checked_thread_id, parse_run_id

RELATED = ("thread__graph", "graph", "actor")
ERRORS = {404: outputs.ErrorOutput, 409: outputs.ErrorOutput, 422: outputs.ErrorOutput}
STREAM = OpenApiResponse(OpenApiTypes.STR, description="Server-sent events.")


class StartingView(ProtectedView):
    """What the three routes that start a run share."""

    protected = Thread

    def start(self, request: Request, thread_id: str) -> tuple[Run, dict[str, Any]]:
        """Accept the run the body describes. Raises NotVisible, Conflict, Invalid."""
        given = validated(inputs.RunCreateInput, request)
        thread = self._thread(request, checked_thread_id(thread_id), given)
        run = runs.start(
            thread=thread,
            graph=graphs.resolve(given["assistant_id"]),
            actor=request.user,
            order=_order(request, given),
            now=clock.now(),
        )
        return run, given

    def _thread(self, request: Request, thread_id: str, given: dict[str, Any]) -> Thread:
        try:
            found: Thread = self.find("graph", public_id=thread_id)
        except NotVisible:
            if given["if_not_exists"] != "create":
                raise
            key = parse_run_id(thread_id)
            found = threads.create(actor=request.user, now=clock.now(), public_id=key)
        return found


def _order(request: Request, given: dict[str, Any]) -> RunOrder:
    config = given.get("config") or {}
    if config.get("configurable") and given.get("context"):
        raise _BothGiven("Give either config.configurable or context, not both.")
    checkpoint = given.get("checkpoint") or {}
    if given.get("checkpoint_id"):
        checkpoint = {**checkpoint, "checkpoint_id": given["checkpoint_id"]}
    options = {
        "stream_modes": given.get("stream_mode") or ["values"],
        "interrupt_before": _nodes(given.get("interrupt_before")),
        "interrupt_after": _nodes(given.get("interrupt_after")),
        "checkpoint": checkpoint if checkpoint.get("checkpoint_id") else None,
    }
    key = request.headers.get("Idempotency-Key")
    return RunOrder(
        input=given.get("input"),
        command=given.get("command"),
        config=config,
        context=given.get("context"),
        metadata=given.get("metadata") or {},
        options=options,
        strategy=given["multitask_strategy"],
        durability=given["durability"],
        after_seconds=given["after_seconds"],
        idempotency_key=key[:255] if key else None,
        digest=_digest(request) if key else "",
    )


class _BothGiven(Invalid):
    """LangGraph's server answers this one with 400."""

    status = 400


def _nodes(given: list[str] | None) -> Any:
    return "*" if given == ["*"] else given


def _digest(request: Request) -> str:
    text = json.dumps([request.path, request.data], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _address(run: Run, leaf: str = "") -> str:
    return f"/api/threads/{run.thread.public_id}/runs/{run.public_id}{leaf}"


class RunsView(StartingView):
    """/threads/{thread_id}/runs."""

    needs = {"GET": "view", "POST": "execute"}

    @extend_schema(
        operation_id="list_runs",
        parameters=[inputs.RunListQuery],
        responses={200: outputs.RunOutput(many=True), **ERRORS},
    )
    def get(self, request: Request, thread_id: str) -> Response:
        """Return the thread's runs, newest first."""
        thread = self.find(public_id=checked_thread_id(thread_id))
        given = queried(inputs.RunListQuery, request)
        found = Run.objects.visible_to(request.user, "view").filter(thread=thread)
        if given.get("status"):
            found = found.with_shown_status(given["status"])
        found = found.select_related(*RELATED).order_by("-id")
        rows, headers = page(found, limit=given["limit"], offset=given["offset"])
        return respond([outputs.run(row) for row in rows], headers)

    @extend_schema(
        operation_id="create_run",
        request=inputs.RunCreateInput,
        responses={200: outputs.RunOutput, 400: outputs.ErrorOutput, **ERRORS},
    )
    def post(self, request: Request, thread_id: str) -> Response:
        """Start a run and return at once."""
        run, _ = self.start(request, thread_id)
        return respond(outputs.run(run), {"Content-Location": _address(run)})


class RunStreamView(StartingView):
    """/threads/{thread_id}/runs/stream."""

    needs = {"POST": "execute"}

    @extend_schema(
        operation_id="stream_run",
        request=inputs.RunCreateInput,
        responses={(200, "text/event-stream"): STREAM, 400: outputs.ErrorOutput, **ERRORS},
    )
    def post(self, request: Request, thread_id: str) -> HttpResponseBase:
        """Start a run and stream it until it ends."""
        run, given = self.start(request, thread_id)
        watching = Watching(
            run=run,
            modes=frozenset(given.get("stream_mode") or ["values"]),
            subgraphs=given["stream_subgraphs"],
            abandon=_canceller(request, run) if given["on_disconnect"] == "cancel" else None,
        )
        headers = {"Content-Location": _address(run), "Location": _address(run, "/stream")}
        return sse.respond(watching, headers)


class RunWaitView(StartingView):
    """/threads/{thread_id}/runs/wait."""

    needs = {"POST": "execute"}

    @extend_schema(
        operation_id="wait_run",
        request=inputs.RunCreateInput,
        responses={200: OpenApiTypes.OBJECT, 400: outputs.ErrorOutput, **ERRORS},
    )
    def post(self, request: Request, thread_id: str) -> HttpResponseBase:
        """Start a run and return its output values when it has ended."""
        run, given = self.start(request, thread_id)
        watching = Watching(
            run=run,
            modes=frozenset(),
            abandon=_canceller(request, run) if given["on_disconnect"] == "cancel" else None,
        )
        headers = {"Content-Location": _address(run), "Location": _address(run, "/join")}
        return sse.respond_waiting(watching, headers)


class RunRoute(ProtectedView):
    """What the routes about one run share."""

    protected = Run

    def find_run(self, thread_id: str, run_id: str) -> Run:
        """Return the run of that thread. Raises NotVisible, NotAllowed, Invalid."""
        key, public_id = checked_thread_id(thread_id), parse_run_id(run_id)
        run: Run = self.find(*RELATED, public_id=public_id, thread__public_id=key)
        return run


class RunView(RunRoute):
    """/threads/{thread_id}/runs/{run_id}."""

    needs = {"GET": "view"}

    @extend_schema(
        operation_id="get_run", responses={200: outputs.RunOutput, 404: outputs.ErrorOutput}
    )
    def get(self, request: Request, thread_id: str, run_id: str) -> Response:
        """Return a run."""
        return Response(outputs.run(self.find_run(thread_id, run_id)))


class RunJoinView(RunRoute):
    """/threads/{thread_id}/runs/{run_id}/join."""

    needs = {"GET": "read"}

    @extend_schema(
        operation_id="join_run", responses={200: OpenApiTypes.OBJECT, 404: outputs.ErrorOutput}
    )
    def get(self, request: Request, thread_id: str, run_id: str) -> HttpResponseBase:
        """Wait for a run to end and return its output values."""
        run = self.find_run(thread_id, run_id)
        headers = {"Content-Location": _address(run), "Location": _address(run, "/join")}
        return sse.respond_waiting(Watching(run=run, modes=frozenset()), headers)


class RunJoinStreamView(RunRoute):
    """/threads/{thread_id}/runs/{run_id}/stream."""

    needs = {"GET": "read"}

    @extend_schema(
        operation_id="join_run_stream",
        parameters=[inputs.RunStreamQuery],
        responses={(200, "text/event-stream"): STREAM, 404: outputs.ErrorOutput},
    )
    def get(self, request: Request, thread_id: str, run_id: str) -> HttpResponseBase:
        """Stream a run from its start, or from the event after `Last-Event-ID`."""
        run = self.find_run(thread_id, run_id)
        given = queried(inputs.RunStreamQuery, request)
        wanted = given.get("stream_mode") or run.options.get("stream_modes") or ["values"]
        if given["cancel_on_disconnect"]:
            access.get(Run.objects.all(), user=request.user, action="execute", pk=run.pk)
        watching = Watching(
            run=run,
            modes=frozenset(wanted),
            subgraphs=True,
            after=_last_event_id(request),
            abandon=_canceller(request, run) if given["cancel_on_disconnect"] else None,
        )
        headers = {"Content-Location": _address(run), "Location": _address(run, "/stream")}
        return sse.respond(watching, headers)


def _last_event_id(request: Request) -> int:
    text = request.headers.get("Last-Event-ID", "").strip()
    if text in {"", "-1"}:
        return 0
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise Invalid("Last-Event-ID must be the id of an event of this stream, or -1.")
    return int(text)


class RunCancelView(RunRoute):
    """/threads/{thread_id}/runs/{run_id}/cancel."""

    needs = {"POST": "execute"}

    @extend_schema(
        operation_id="cancel_run",
        request=None,
        parameters=[inputs.CancelQuery],
        responses={202: None, 200: OpenApiTypes.OBJECT, 404: outputs.ErrorOutput},
    )
    def post(self, request: Request, thread_id: str, run_id: str) -> HttpResponseBase:
        """Ask a run to stop; with `wait`, answer when it has."""
        run = self.find_run(thread_id, run_id)
        given = queried(inputs.CancelQuery, request)
        runs.cancel(run=run, actor=request.user, now=clock.now())
        headers = {"Content-Location": _address(run), "Location": _address(run, "/join")}
        if given["wait"]:
            return sse.respond_waiting(Watching(run=run, modes=frozenset()), headers)
        return respond(None, headers, status=202)


def _canceller(request: Request, run: Run) -> Any:
    actor = request.user

    def cancel() -> None:
        try:
            runs.cancel(run=run, actor=actor, now=clock.now())
        except NotVisible:
            # It ended while the client went away.
            return

    return cancel

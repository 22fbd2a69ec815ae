"""Routes about operations."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema

from threadhub.kernel import clock, operations
from threadhub.kernel.api import sse
from threadhub.kernel.api.idempotency import key_of
from threadhub.kernel.api.pagination import page, respond
from threadhub.kernel.api.views import ProtectedView, queried, validated
from threadhub.kernel.operations import selecting
from threadhub.kernel.operations.models import Operation
from threads_app.api.outputs import ErrorOutput

from . import inputs, outputs

if TYPE_CHECKING:
    from django.http import HttpResponseBase
    from rest_framework.request import Request
    from rest_framework.response import Response

ERRORS = {404: ErrorOutput, 422: ErrorOutput}
STREAM = OpenApiResponse(OpenApiTypes.STR, description="Server-sent events.")
KEY = OpenApiParameter(
    "Idempotency-Key", OpenApiTypes.STR, OpenApiParameter.HEADER, description="Repeat safely."
)
SEEN = OpenApiParameter(
    "Last-Event-ID", OpenApiTypes.STR, OpenApiParameter.HEADER, description="Go on after this."
)


def _accepted(row: Operation) -> Response:
    """Answer with an operation that will be performed, and where to look for it."""
    place = {"Location": f"/operations/{row.public_id}"}
    return respond(outputs.operation(row), place, status=202)


class OperationsView(ProtectedView):
    """/operations."""

    protected = Operation
    needs = {"GET": "view", "POST": "view"}

    @extend_schema(
        operation_id="list_operations",
        parameters=[inputs.PageQuery],
        responses={200: outputs.OperationOutput(many=True), 422: ErrorOutput},
    )
    def get(self, request: Request) -> Response:
        """Return the operations the caller may see, newest first."""
        given = queried(inputs.PageQuery, request)
        found = self.visible("asked_by").order_by("-id")
        rows, headers = page(found, limit=given["limit"], offset=given["offset"])
        return respond([outputs.operation(row) for row in rows], headers)

    @extend_schema(
        operation_id="create_operation",
        request=inputs.OperationCreateInput,
        parameters=[KEY],
        responses={202: outputs.OperationOutput, 403: ErrorOutput, **ERRORS},
    )
    def post(self, request: Request) -> Response:
        """Ask for an operation on the objects that are named, or that a filter matches now."""
        given = validated(inputs.OperationCreateInput, request)
        asked = operations.ask(
            kind=given["kind"],
            asked_by=request.user,
            wanted=given["filter"] if "filter" in given else {"ids": given["ids"]},
            arguments=given.get("arguments"),
            reason=given["reason"],
            idempotency_key=key_of(request),
            now=clock.now(),
        )
        return _accepted(asked)


class OperationRoute(ProtectedView):
    """A route below /operations/{operation_id}."""

    protected = Operation

    def find_operation(self, operation_id: UUID) -> Operation:
        """Return the operation. Raises NotVisible, NotAllowed."""
        found: Operation = self.find("asked_by", public_id=operation_id)
        return found


class OperationView(OperationRoute):
    """/operations/{operation_id}."""

    needs = {"GET": "view"}

    @extend_schema(
        operation_id="get_operation",
        parameters=[inputs.ItemsQuery],
        responses={200: outputs.OperationDetailOutput, **ERRORS},
    )
    def get(self, request: Request, operation_id: UUID) -> Response:
        """Return an operation with a page of its items, in the order they are performed."""
        found = self.find_operation(operation_id)
        given = queried(inputs.ItemsQuery, request)
        items = selecting.items(found, state=given.get("state"))
        rows, headers = page(items, limit=given["limit"], offset=given["offset"])
        return respond(outputs.detail(found, rows), headers)


class OperationCancelView(OperationRoute):
    """/operations/{operation_id}/cancel."""

    needs = {"POST": "execute"}

    @extend_schema(
        operation_id="cancel_operation",
        request=None,
        responses={202: outputs.OperationOutput, 403: ErrorOutput, 409: ErrorOutput, **ERRORS},
    )
    def post(self, request: Request, operation_id: UUID) -> Response:
        """Stop an operation after the item in progress; what is done stays done."""
        found = self.find_operation(operation_id)
        return _accepted(operations.cancel(operation=found, actor=request.user, now=clock.now()))


class OperationResumeView(OperationRoute):
    """/operations/{operation_id}/resume."""

    # It is performed with the rights of who asked for it, which may be more than the caller's.
    needs = {"POST": "manage"}

    @extend_schema(
        operation_id="resume_operation",
        request=None,
        responses={202: outputs.OperationOutput, 403: ErrorOutput, 409: ErrorOutput, **ERRORS},
    )
    def post(self, request: Request, operation_id: UUID) -> Response:
        """Take up an operation that has ended: the items that failed or were left."""
        found = self.find_operation(operation_id)
        return _accepted(operations.resume(operation=found, actor=request.user, now=clock.now()))


class OperationStreamView(OperationRoute):
    """/operations/{operation_id}/stream."""

    needs = {"GET": "view"}

    @extend_schema(
        operation_id="stream_operation",
        parameters=[SEEN],
        responses={(200, "text/event-stream"): STREAM, **ERRORS},
    )
    def get(self, request: Request, operation_id: UUID) -> HttpResponseBase:
        """Stream an operation from its start, or from the event after `Last-Event-ID`."""
        found = self.find_operation(operation_id)
        subject = sse.Subject(
            stream_id=found.stream_id,
            is_over=partial(selecting.is_over, operation_id=found.pk),
            may_watch=sse.may_watch(request, found, "view"),
        )
        return sse.streaming(sse.frames(subject, after=sse.last_event_id(request)))

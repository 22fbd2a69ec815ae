"""Routes about the threads of a session."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from sessions_app.models import SessionThreadAssociation
from sessions_app.selectors import members as selector
from sessions_app.services import sessions
from threadhub.coordination import members, plans
from threadhub.kernel import clock
from threadhub.kernel.api.views import ProtectedView, queried, validated
from threadhub.kernel.errors import Invalid, NotVisible
from threads_app.api import inputs as thread_inputs
from threads_app.api import orders, run_inputs, runs
from threads_app.api import outputs as thread_outputs
from threads_app.api import state as thread_state
from threads_app.models import Run
from threads_app.services.state import LATEST

from . import inputs, outputs
from .routes import CONFLICTS, ERRORS, MemberRoute, SessionRoute, place_of

if TYPE_CHECKING:
    from django.http import HttpResponseBase
    from rest_framework.request import Request

    from threads_app.services.runs import RunOrder


class MembersView(SessionRoute):
    """/sessions/{session_id}/threads."""

    needs = {"GET": "view", "POST": "write"}

    @extend_schema(
        operation_id="list_session_threads",
        responses={200: outputs.MemberOutput(many=True), **ERRORS},
    )
    def get(self, request: Request, session_id: str) -> Response:
        """Return the session's threads by name."""
        session = self.find_session(session_id)
        return Response(
            [outputs.member(row, is_told=outputs.is_told(session)) for row in selector.of(session)]
        )

    @extend_schema(
        operation_id="add_session_thread",
        request=inputs.MemberInput,
        responses={201: outputs.MemberDetailOutput, **CONFLICTS},
    )
    def post(self, request: Request, session_id: str) -> Response:
        """Add a new thread, or one of the caller's, to the session."""
        session = self.find_session(session_id)
        draft = inputs.member(validated(inputs.MemberInput, request))
        added = members.add(session=session, draft=draft, actor=request.user, now=clock.now())
        return Response(outputs.member_detail(added), status=201)


class MemberView(ProtectedView):
    """/sessions/{session_id}/threads/{name}."""

    protected = SessionThreadAssociation
    needs = {"GET": "read", "DELETE": "write"}

    @extend_schema(
        operation_id="get_session_thread", responses={200: outputs.MemberDetailOutput, **ERRORS}
    )
    def get(self, request: Request, session_id: str, name: str) -> Response:
        """Return a thread of the session with what its runs are given."""
        return Response(outputs.member_detail(self._found(session_id, name)))

    @extend_schema(operation_id="remove_session_thread", responses={204: None, **CONFLICTS})
    def delete(self, request: Request, session_id: str, name: str) -> Response:
        """Take a thread out of the session; the thread itself stays."""
        members.remove(member=self._found(session_id, name), now=clock.now())
        return Response(status=204)

    def _found(self, session_id: str, name: str) -> SessionThreadAssociation:
        found: SessionThreadAssociation = self.find(
            "session", "thread", is_active=True, **place_of(session_id, name)
        )
        return found


class StartingMemberRoute(MemberRoute, runs.StartingRoute):
    """What the routes that start a run of a session's thread share."""

    needs = {"POST": "execute"}

    def start_member(
        self, request: Request, session_id: str, name: str
    ) -> tuple[Run, dict[str, Any]]:
        """Accept the run the body describes, above what the member is given.

        Raises NotVisible, NotAllowed, Conflict (also for an archived session), Invalid.
        """
        member = self.find_member(session_id, name)
        sessions.demand_open(member.session)
        given = validated(inputs.MemberRunInput, request)
        if not given.get("assistant_id"):
            given["assistant_id"] = _assistant(member)
        order = _above(member, orders.order(request, given), is_silent="input" not in given)
        return self.accept(member.thread.public_id, given, order), given


def _assistant(member: SessionThreadAssociation) -> str:
    if member.assistant_id is None:
        raise Invalid(
            f"{member.thread_name} is kept for reference: say which assistant is to run it.",
            fields={"assistant_id": ["This field is required."]},
        )
    return str(member.assistant_id)


def _above(member: SessionThreadAssociation, order: RunOrder, *, is_silent: bool) -> RunOrder:
    """Return the order above what the member is given; its input only where none is named."""
    order = order.above(config=member.config, context=member.context)
    order = replace(order, config=plans.in_session(order.config, member.session))
    if is_silent and not order.command:
        return replace(order, input=member.input)
    return order


class MemberRunsView(StartingMemberRoute):
    """/sessions/{session_id}/threads/{name}/runs."""

    @extend_schema(
        operation_id="create_session_thread_run",
        request=inputs.MemberRunInput,
        responses={200: thread_outputs.RunOutput, **runs.START_ERRORS},
    )
    def post(self, request: Request, session_id: str, name: str) -> Response:
        """Start a run and return at once."""
        run, _ = self.start_member(request, session_id, name)
        return runs.created(run)


class MemberRunStreamView(StartingMemberRoute):
    """/sessions/{session_id}/threads/{name}/runs/stream."""

    shows_output = True

    @extend_schema(
        operation_id="stream_session_thread_run",
        request=inputs.MemberRunInput,
        responses={(200, "text/event-stream"): runs.STREAM, **runs.START_ERRORS},
    )
    def post(self, request: Request, session_id: str, name: str) -> HttpResponseBase:
        """Start a run and stream it until it ends."""
        run, given = self.start_member(request, session_id, name)
        return runs.streamed(request, run, given)


class MemberRunWaitView(StartingMemberRoute):
    """/sessions/{session_id}/threads/{name}/runs/wait."""

    shows_output = True

    @extend_schema(
        operation_id="wait_session_thread_run",
        request=inputs.MemberRunInput,
        responses={200: OpenApiTypes.OBJECT, **runs.START_ERRORS},
    )
    def post(self, request: Request, session_id: str, name: str) -> HttpResponseBase:
        """Start a run and return its output values when it has ended."""
        run, given = self.start_member(request, session_id, name)
        return runs.waited(request, run, given)


class MemberStateView(MemberRoute):
    """/sessions/{session_id}/threads/{name}/state."""

    needs = {"GET": "read"}

    @extend_schema(
        operation_id="get_session_thread_state",
        parameters=[thread_inputs.StateQuery],
        responses={200: thread_outputs.StateOutput, **ERRORS},
    )
    def get(self, request: Request, session_id: str, name: str) -> Response:
        """Return the latest state of the thread."""
        thread = self.find_its_thread(session_id, name, "graph")
        return thread_state.shown(thread, LATEST, queried(thread_inputs.StateQuery, request))


class MemberStreamView(MemberRoute):
    """/sessions/{session_id}/threads/{name}/stream."""

    needs = {"GET": "read"}

    @extend_schema(
        operation_id="join_session_thread_stream",
        parameters=[run_inputs.RunStreamQuery],
        responses={(200, "text/event-stream"): runs.STREAM, **ERRORS},
    )
    def get(self, request: Request, session_id: str, name: str) -> HttpResponseBase:
        """Stream the thread's latest run from its start, or after `Last-Event-ID`."""
        thread = self.find_its_thread(session_id, name)
        found = Run.objects.visible_to(request.user, "read").filter(thread=thread)
        run = found.select_related("thread", "graph").order_by("-id").first()
        if run is None:
            raise NotVisible("This thread has had no run yet.")
        return runs.joined(request, run)

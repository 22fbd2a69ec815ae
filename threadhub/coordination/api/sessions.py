"""Routes about sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from sessions_app.models import Session
from sessions_app.services import sessions
from threadhub.coordination import creating, lifecycle
from threadhub.kernel import clock
from threadhub.kernel.api.pagination import latest, respond
from threadhub.kernel.api.views import ProtectedView, queried, validated

from . import inputs, outputs
from .routes import CONFLICTS, ERRORS, SessionRoute

if TYPE_CHECKING:
    from rest_framework.request import Request

    from sessions_app.models import Plan
    from threadhub.kernel.rbac.querysets import Action


class SessionsView(ProtectedView):
    """/sessions."""

    protected = Session
    needs = {"GET": "view", "POST": "view"}
    tells = "read"

    @extend_schema(
        operation_id="list_sessions",
        parameters=[inputs.SessionListQuery],
        responses={200: outputs.SessionPageOutput, **ERRORS},
    )
    def get(self, request: Request) -> Response:
        """Return the sessions the caller may see, those with the latest activity first."""
        given = queried(inputs.SessionListQuery, request)
        found = self.visible("owner", action=_needed(given)).with_member_counts()  # type: ignore[attr-defined]
        if given.get("status"):
            found = found.filter(status=given["status"])
        if given.get("metadata"):
            found = found.with_metadata(given["metadata"])
        rows, following = latest(found, limit=given["limit"], cursor=given["cursor"])
        shown = [outputs.session(row, thread_count=row.member_count or 0) for row in rows]
        return Response({"items": shown, "next": following})

    @extend_schema(
        operation_id="create_session",
        request=inputs.SessionCreateInput,
        responses={201: outputs.SessionDetailOutput, **ERRORS},
    )
    def post(self, request: Request) -> Response:
        """Create a session with its threads and dependencies, all or nothing; start it if asked."""
        given = validated(inputs.SessionCreateInput, request)
        session, plan = creating.create(
            actor=request.user,
            members=[inputs.member(one) for one in given["threads"]],
            dependencies=[inputs.dependency(one) for one in given["dependencies"]],
            now=clock.now(),
            has_start=given["start"],
            title=given["title"],
            metadata=given.get("metadata"),
            policy=given["policy"],
            parallel_limit=given["parallel_limit"],
        )
        made = self.find("owner", pk=session.pk)
        return respond(outputs.session_detail(made), _place(session, plan), status=201)


def _needed(given: dict[str, Any]) -> Action:
    """Return the permission a search needs: values that are masked cannot be searched for."""
    return "read" if given.get("metadata") else "view"


def _place(session: Session, plan: Plan | None) -> dict[str, str]:
    """Return where the session is, or its plan; relative to the root of the API."""
    address = f"/sessions/{session.public_id}"
    return {"Location": f"{address}/plans/{plan.public_id}" if plan else address}


class SessionView(SessionRoute):
    """/sessions/{session_id}."""

    needs = {"GET": "view", "PATCH": "write", "DELETE": "delete"}

    @extend_schema(
        operation_id="get_session", responses={200: outputs.SessionDetailOutput, **ERRORS}
    )
    def get(self, request: Request, session_id: str) -> Response:
        """Return a session with its threads, dependencies and last plan."""
        return Response(outputs.session_detail(self.find_session(session_id, "owner")))

    @extend_schema(
        operation_id="update_session",
        request=inputs.SessionUpdateInput,
        responses={200: outputs.SessionDetailOutput, **ERRORS},
    )
    def patch(self, request: Request, session_id: str) -> Response:
        """Set title, policy and limit, merge metadata; a plan that runs keeps its policy."""
        session = self.find_session(session_id, "owner")
        given = validated(inputs.SessionUpdateInput, request)
        sessions.change(session=session, now=clock.now(), **given)
        return Response(outputs.session_detail(self.find("owner", pk=session.pk)))

    @extend_schema(operation_id="delete_session", responses={204: None, **CONFLICTS})
    def delete(self, request: Request, session_id: str) -> Response:
        """Delete a session with its plans; its threads stay."""
        lifecycle.delete(session=self.find_session(session_id))
        return Response(status=204)


class ArchiveView(SessionRoute):
    """/sessions/{session_id}/archive."""

    needs = {"POST": "write"}

    @extend_schema(
        operation_id="archive_session",
        request=None,
        responses={200: outputs.SessionDetailOutput, **CONFLICTS},
    )
    def post(self, request: Request, session_id: str) -> Response:
        """Put a session away: it stays readable, and nothing is started in it."""
        session = self.find_session(session_id)
        lifecycle.archive(session=session, now=clock.now())
        return Response(outputs.session_detail(self.find("owner", pk=session.pk)))


class UnarchiveView(SessionRoute):
    """/sessions/{session_id}/unarchive."""

    needs = {"POST": "write"}

    @extend_schema(
        operation_id="unarchive_session",
        request=None,
        responses={200: outputs.SessionDetailOutput, **ERRORS},
    )
    def post(self, request: Request, session_id: str) -> Response:
        """Take a session out again."""
        session = self.find_session(session_id)
        lifecycle.unarchive(session=session)
        return Response(outputs.session_detail(self.find("owner", pk=session.pk)))

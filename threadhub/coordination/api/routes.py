"""What the routes below one session share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sessions_app.models import Plan, Session, SessionThreadAssociation
from threadhub.coordination.blueprints import normal
from threadhub.kernel.api.views import ProtectedView
from threadhub.kernel.models import clean_text
from threadhub.kernel.rbac import access
from threads_app.api.outputs import ErrorOutput
from threads_app.api.routes import ThreadRoute, parse_id

if TYPE_CHECKING:
    from threads_app.models import Thread

ERRORS = {404: ErrorOutput, 422: ErrorOutput}
CONFLICTS = {409: ErrorOutput, **ERRORS}


class SessionRoute(ProtectedView):
    """A route below /sessions/{session_id}."""

    protected = Session
    tells = "read"

    def find_session(self, session_id: str, *related: str) -> Session:
        """Return the session. Raises NotVisible, NotAllowed, Invalid for what is no id."""
        public_id = parse_id(session_id, "session_id")
        found: Session = self.find(*related, public_id=public_id)
        return found


class PlanRoute(ProtectedView):
    """A route below /sessions/{session_id}/plans/{plan_id}."""

    protected = Plan
    tells = "read"

    def find_plan(self, session_id: str, plan_id: str) -> Plan:
        """Return the plan of that session. Raises NotVisible, NotAllowed, Invalid."""
        found: Plan = self.find(
            "actor",
            "session",
            public_id=parse_id(plan_id, "plan_id"),
            session__public_id=parse_id(session_id, "session_id"),
        )
        return found


class MemberRoute(ThreadRoute):
    """A route below /sessions/{session_id}/threads/{name}.

    The method's permission is asked for on the thread; the session must be visible.
    """

    def find_member(self, session_id: str, name: str) -> SessionThreadAssociation:
        """Return the active member. Raises NotVisible, NotAllowed, Invalid."""
        return access.get(
            SessionThreadAssociation.objects.active().select_related("session", "thread"),
            user=self.request.user,
            action="view",
            **place_of(session_id, name),
        )

    def find_its_thread(self, session_id: str, name: str, *related: str) -> Thread:
        """Return the member's thread. Raises NotVisible, NotAllowed, Invalid."""
        found = self.find_member(session_id, name)
        thread: Thread = self.find(*related, pk=found.thread_id)
        return thread


def place_of(session_id: str, name: str) -> dict[str, Any]:
    """Return what an address says of a member. Raises Invalid for what is no id."""
    return {
        "session__public_id": parse_id(session_id, "session_id"),
        "thread_name": normal(clean_text(name)),
    }

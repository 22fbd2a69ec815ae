"""One session: its threads, dependencies and last plan, and what happens in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from sessions_app.models import Session
from threadhub.coordination.api import outputs
from threadhub.kernel import realtime
from threadhub.kernel.errors import NotVisible
from threadhub.kernel.rbac import access
from threadhub.kernel.realtime import Found, Topic, reduced

if TYPE_CHECKING:
    from threadhub.kernel.realtime import Level
    from threadhub.kernel.streams.models import StreamEvent

TOLD_FAMILIES = frozenset({"session", "plan", "node", "member"})
TOLD = ("session_id", "plan_id", "thread_id", "run_id", "name", "status", "title")


class SessionTopic(Topic):
    """`session:<id>`: what the API shows of it to who may read it, or only view it."""

    name = "session:"

    def find(self, user: Any, argument: str) -> Found:
        """Return the session. Raises NotVisible. Two queries."""
        session = access.get(
            Session.objects.only("stream"),
            user=user,
            action="view",
            telling="read",
            public_id=uuid_of(argument, "session"),
        )
        return Found("read" if outputs.is_told(session) else "view", session.stream_id, session.pk)

    def snapshot(self, user: Any, found: Found) -> dict[str, Any]:
        """Return the session as the API shows it."""
        session = access.get(
            Session.objects.select_related("owner"),
            user=user,
            action="view",
            telling="read",
            pk=found.target,
        )
        session.is_told = found.level == "read"  # type: ignore[attr-defined]  # as asked
        return {"level": found.level, "session": outputs.session_detail(session)}

    def payload(self, event: StreamEvent, level: Level) -> Any:
        """Return all to readers, and to viewers what the session's page shows them anyway."""
        if level == "read":
            return event.payload
        if event.kind.partition(".")[0] not in TOLD_FAMILIES:
            return None
        return reduced(event.payload, TOLD)


def uuid_of(text: str, noun: str) -> UUID:
    """Return the id. Raises NotVisible for anything else, as for an id nobody has."""
    try:
        return UUID(text)
    except ValueError:
        raise NotVisible(f"There is no such {noun}.") from None


realtime.register(SessionTopic())

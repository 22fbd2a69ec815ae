"""What sessions hold on to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sessions_app.models import SessionThreadAssociation
from threadhub.kernel.errors import Conflict
from threads_app.services import threads

if TYPE_CHECKING:
    from threads_app.models import Thread


class MemberOfSession(Conflict):
    """A session has the thread among its own; the message names it to those who see it."""

    code = "member_of_session"


def refuse_members(thread: Thread, actor: Any) -> None:
    """Raise MemberOfSession for a thread that is an active member of a session."""
    found = SessionThreadAssociation.objects.active().filter(thread=thread)
    if not found.exists():
        return
    seen = found.visible_to(actor, "view") if actor else found.none()
    member = seen.select_related("session").first()
    if member is None:
        raise MemberOfSession("This thread is in a session of somebody else's, which needs it.")
    raise MemberOfSession(
        f"This thread is {member.thread_name} in the session {member.session}. "
        "Remove it there first."
    )


threads.deletion_guards.add("sessions", refuse_members)

"""What sessions hold on to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sessions_app.models import SessionThreadAssociation
from threadhub.kernel.errors import Conflict
from threads_app.services import threads

if TYPE_CHECKING:
    from threads_app.models import Thread


class MemberOfSession(Conflict):
    """An active session has the thread among its own; the message names both."""

    code = "member_of_session"


def refuse_members(thread: Thread) -> None:
    """Raise MemberOfSession for a thread that is an active member of a session."""
    found = SessionThreadAssociation.objects.active().filter(thread=thread)
    member = found.select_related("session").first()
    if member is not None:
        raise MemberOfSession(
            f"This thread is {member.thread_name} in the session {member.session}. "
            "Remove it there first."
        )


threads.deletion_guards.add("sessions", refuse_members)

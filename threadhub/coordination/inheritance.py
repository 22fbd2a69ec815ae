"""Rights flow from a session to the threads that are active members of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sessions_app.models import SessionThreadAssociation


class SessionMembers:
    """What the kernel asks when it derives rights on threads; see rbac.inheritance."""

    def parents(self, thread_ids: Collection[int]) -> Iterable[tuple[int, int, int | None]]:
        """Return (thread, session, owner of the session) of every active membership.

        The owner is None where the thread is theirs anyway.
        """
        active = SessionThreadAssociation.objects.active().filter(thread__in=thread_ids)
        rows = active.values_list(
            "thread_id", "session_id", "session__owner_id", "thread__owner_id"
        )
        for thread_id, session_id, owner_id, holder_id in rows:
            yield thread_id, session_id, None if owner_id == holder_id else owner_id

    def children(self, session_ids: Collection[int]) -> Iterable[int]:
        """Return the threads that are active members of any of the sessions."""
        active = SessionThreadAssociation.objects.active().filter(session__in=session_ids)
        return active.values_list("thread_id", flat=True)

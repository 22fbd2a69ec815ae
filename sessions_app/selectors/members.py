"""Questions about the threads of a session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sessions_app.models import Dependency, Session, SessionThreadAssociation

if TYPE_CHECKING:
    from sessions_app.querysets import AssociationQuerySet

# The large fields of a thread's row.
UNSEEN = ("thread__values_preview", "thread__metadata", "thread__config", "thread__tags")


def of(session: Session) -> AssociationQuerySet:
    """Return the active members with their threads, in the order of their names."""
    found: AssociationQuerySet = SessionThreadAssociation.objects.active().filter(session=session)
    return found.select_related("thread").defer(*UNSEEN).order_by("thread_name")


def dependencies(session: Session) -> list[Dependency]:
    """Return the session's dependencies with their members, as they were given."""
    found = Dependency.objects.filter(session=session)
    return list(found.select_related("upstream", "downstream").order_by("id"))

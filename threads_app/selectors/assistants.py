"""Questions about assistants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from threadhub.kernel.models import clean_text
from threads_app.models import Assistant

from .graphs import unknown

if TYPE_CHECKING:
    from threads_app.querysets import AssistantQuerySet


def usable(*, user: Any) -> AssistantQuerySet:
    """Return the assistants of installed graphs that the person may use."""
    installed = Assistant.objects.visible_to(user, "execute").exclude(graph__status="gone")
    return installed.select_related("graph", "owner")


def resolve(name_or_id: str, *, user: Any) -> Assistant:
    """Return the assistant by id, or the default one of the graph of this name.

    Raises GraphUnknown naming the graphs there are. One query, two on refusal.
    """
    found = usable(user=user)
    try:
        assistant = found.filter(public_id=UUID(name_or_id)).first()
    except ValueError:
        assistant = found.filter(graph__name=clean_text(name_or_id), owner=None).first()
    if assistant is not None:
        return assistant
    raise unknown(name_or_id)

"""Questions about assistants."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from threadhub.kernel.errors import Invalid
from threads_app.models import Assistant, Graph
from threads_app.querysets import AssistantQuerySet


class AssistantUnknown(Invalid):
    """No graph and no assistant the person may use has this name or id."""

    code = "assistant_unknown"


def usable(*, user: Any) -> AssistantQuerySet:
    """Return the assistants of installed graphs that the person may use."""
    installed = Assistant.objects.visible_to(user, "execute").exclude(graph__status="gone")
    return installed.select_related("graph", "owner")


def resolve(name_or_id: str, *, user: Any) -> Assistant:
    """Return the assistant by id, or the default one of the graph of this name.

    Raises AssistantUnknown naming the graphs there are. One query, two on refusal.
    """
    found = usable(user=user)
    try:
        assistant = found.filter(public_id=UUID(name_or_id)).first()
    except ValueError:
        assistant = found.filter(graph__name=name_or_id, owner=None).first()
    if assistant is not None:
        return assistant
    names = Graph.objects.exclude(status=Graph.Status.GONE).values_list("name", flat=True)
    known = ", ".join(sorted(names)) or "none is installed"
    raise AssistantUnknown(
        f"There is no assistant {name_or_id[:100]!r}. Known graphs: {known}.",
        fields={"assistant_id": ["Unknown assistant."]},
    )

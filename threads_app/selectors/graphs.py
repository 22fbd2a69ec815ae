"""Questions about graphs."""

from __future__ import annotations

from uuid import UUID

from threadhub.kernel.errors import Invalid
from threadhub.kernel.models import clean_text
from threads_app.models import Graph


class GraphUnknown(Invalid):
    """No graph of an installed project has this name or id."""

    code = "graph_unknown"


def resolve(name_or_id: str) -> Graph:
    """Return the graph by name or by the id of its default assistant.

    Raises GraphUnknown naming the graphs there are. One query, two on refusal.
    """
    try:
        found = Graph.objects.filter(assistant_id=UUID(name_or_id)).first()
    except ValueError:
        found = Graph.objects.filter(name=clean_text(name_or_id)).first()
    if found is not None and found.status != Graph.Status.GONE:
        return found
    names = list(Graph.objects.exclude(status=Graph.Status.GONE).values_list("name", flat=True))
    known = ", ".join(sorted(names)) or "none is installed"
    raise GraphUnknown(f"There is no graph {name_or_id[:100]!r}. Known graphs: {known}.")

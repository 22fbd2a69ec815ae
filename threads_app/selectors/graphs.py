"""Questions about graphs."""

from __future__ import annotations

from threadhub.kernel.errors import Invalid
from threads_app.models import Graph


class GraphUnknown(Invalid):
    """No graph of an installed project has this name or id."""

    code = "graph_unknown"


def unknown(name: str) -> GraphUnknown:
    """Return the refusal of a name, which names the graphs there are. One query."""
    names = list(Graph.objects.exclude(status=Graph.Status.GONE).values_list("name", flat=True))
    known = ", ".join(sorted(names)) or "none is installed"
    return GraphUnknown(f"There is no graph {name[:100]!r}. Known graphs: {known}.")

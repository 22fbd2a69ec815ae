"""Routes about graphs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from threadhub.kernel.api.views import ProtectedView
from threadhub.kernel.errors import NotVisible
from threads_app.models import Graph
from threads_app.selectors import assistants
from threads_app.selectors.graphs import GraphUnknown
from threads_app.services import graphs

from . import outputs

if TYPE_CHECKING:
    from rest_framework.request import Request


class GraphsView(ProtectedView):
    """/graphs: what the installation can run is no secret among people who signed in."""

    @extend_schema(operation_id="list_graphs", responses={200: outputs.GraphOutput(many=True)})
    def get(self, request: Request) -> Response:
        """Return every graph of the installed projects, also those that failed to load."""
        rows = list(Graph.objects.exclude(status=Graph.Status.GONE).order_by("name"))
        changed = graphs.changed_projects(rows)
        return Response([outputs.graph(row, changed) for row in rows])


class GraphView(ProtectedView):
    """/graphs/{graph_id}."""

    @extend_schema(
        operation_id="get_graph",
        responses={200: outputs.GraphDetailOutput, 404: outputs.ErrorOutput},
    )
    def get(self, request: Request, graph_id: str) -> Response:
        """Return a graph with its drawing, schemas, channels and interrupt points."""
        try:
            row = assistants.resolve(graph_id, user=request.user).graph
        except GraphUnknown as error:
            raise NotVisible(error.message) from error
        return Response(outputs.graph(row, graphs.changed_projects([row]), detail=True))

"""Routes about assistants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from threadhub.kernel import clock
from threadhub.kernel.api.pagination import page, respond
from threadhub.kernel.api.views import ProtectedView, queried, validated
from threadhub.kernel.errors import Invalid
from threads_app.models import Assistant, AssistantVersion
from threads_app.selectors import assistants as selectors
from threads_app.services import assistants
from threads_app.services.assistants import AssistantExists, Setup

from . import outputs
from .inputs import MetadataInput

if TYPE_CHECKING:
    from rest_framework.request import Request

    from threads_app.querysets import AssistantQuerySet

ERRORS = {404: outputs.ErrorOutput, 409: outputs.ErrorOutput, 422: outputs.ErrorOutput}
SORT = {
    "assistant_id": "public_id",
    "graph_id": "graph__name",
    "name": "name",
    "created_at": "created_at",
    "updated_at": "updated_at",
}
SCHEMAS = ("input", "output", "state", "config", "context")


class AssistantOutput(serializers.Serializer[Any]):
    """An assistant as the API shows it."""

    assistant_id = serializers.UUIDField()
    graph_id = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField(allow_null=True)
    config = serializers.DictField()
    metadata = serializers.DictField()
    version = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()

    def get_fields(self) -> dict[str, Any]:
        """Return the fields; `context` is a name that serializers use themselves."""
        return {**super().get_fields(), "context": serializers.DictField()}


class _SetupInput(serializers.Serializer[Any]):
    name = serializers.CharField(required=False, allow_null=True, max_length=255)
    description = serializers.CharField(required=False, allow_null=True, allow_blank=True)
    config = serializers.DictField(required=False, allow_null=True)
    metadata = MetadataInput(required=False, allow_null=True)

    def get_fields(self) -> dict[str, Any]:
        """Return the fields; `context` is a name that serializers use themselves."""
        context = serializers.DictField(required=False, allow_null=True)
        return {**super().get_fields(), "context": context}


class AssistantCreateInput(_SetupInput):
    """POST /assistants."""

    graph_id = serializers.CharField(max_length=255)
    assistant_id = serializers.UUIDField(required=False, allow_null=True)
    if_exists = serializers.ChoiceField(["raise", "do_nothing"], required=False, allow_null=True)


class AssistantChangeInput(_SetupInput):
    """PATCH /assistants/{assistant_id}."""

    graph_id = serializers.CharField(max_length=255, required=False, allow_null=True)


class AssistantCountInput(serializers.Serializer[Any]):
    """POST /assistants/count."""

    graph_id = serializers.CharField(max_length=255, required=False, allow_null=True)
    name = serializers.CharField(max_length=255, required=False, allow_null=True)
    metadata = MetadataInput(required=False, allow_null=True)


class AssistantSearchInput(AssistantCountInput):
    """POST /assistants/search."""

    limit = serializers.IntegerField(default=10, min_value=1, max_value=1000)
    offset = serializers.IntegerField(default=0, min_value=0, max_value=1_000_000)
    sort_by = serializers.ChoiceField(list(SORT), default="created_at", allow_null=True)
    sort_order = serializers.ChoiceField(["asc", "desc"], default="desc", allow_null=True)


class VersionsInput(serializers.Serializer[Any]):
    """POST /assistants/{assistant_id}/versions."""

    metadata = MetadataInput(required=False, allow_null=True)
    limit = serializers.IntegerField(default=10, min_value=1, max_value=1000)
    offset = serializers.IntegerField(default=0, min_value=0, max_value=1_000_000)


class LatestInput(serializers.Serializer[Any]):
    """POST /assistants/{assistant_id}/latest."""

    version = serializers.IntegerField(min_value=1)


class DrawingQuery(serializers.Serializer[Any]):
    """GET /assistants/{assistant_id}/graph: `xray` draws subgraphs too."""

    xray = serializers.CharField(required=False)


class AssistantRoute(ProtectedView):
    """What the routes about assistants share."""

    protected = Assistant

    def find_assistant(self, assistant_id: str) -> Assistant:
        """Return the assistant by id or graph name. Raises NotVisible, NotAllowed."""
        try:
            lookup: dict[str, Any] = {"public_id": UUID(assistant_id)}
        except ValueError:
            lookup = {"graph__name": assistant_id, "owner": None}
        found: Assistant = self.find("graph", "owner", **lookup)
        return found

    def matching(self, given: dict[str, Any]) -> AssistantQuerySet:
        """Return the usable assistants that fit a search."""
        found = selectors.usable(user=self.request.user)
        if given.get("graph_id"):
            found = found.filter(graph__name=given["graph_id"])
        if given.get("name"):
            found = found.filter(name__icontains=given["name"])
        if given.get("metadata"):
            found = found.with_metadata(given["metadata"])
        return found


class AssistantsView(AssistantRoute):
    """/assistants."""

    needs = {"POST": "read"}

    @extend_schema(
        operation_id="create_assistant",
        request=AssistantCreateInput,
        responses={200: AssistantOutput, **ERRORS},
    )
    def post(self, request: Request) -> Response:
        """Create an assistant of a graph, owned by the caller."""
        given = validated(AssistantCreateInput, request)
        default = selectors.resolve(given["graph_id"], user=request.user)
        try:
            assistant = assistants.create(
                graph=default.graph,
                actor=request.user,
                setup=Setup(**_setup(given)),
                now=clock.now(),
                public_id=given.get("assistant_id"),
            )
        except AssistantExists:
            if given.get("if_exists") != "do_nothing":
                raise
            assistant = self._existing(given["assistant_id"])
        return Response(shown(assistant))

    def _existing(self, public_id: UUID) -> Assistant:
        found = self.visible("graph", "owner").filter(public_id=public_id).first()
        if found is None:
            raise AssistantExists("An assistant with this id exists already.")
        return found


def _setup(given: dict[str, Any]) -> dict[str, Any]:
    names = {"name": "name", "description": "text", "config": "config", "context": "context"}
    names["metadata"] = "metadata"
    return {to: given[name] for name, to in names.items() if given.get(name) is not None}


class AssistantView(AssistantRoute):
    """/assistants/{assistant_id}; configuration and context are for readers."""

    needs = {"GET": "read", "PATCH": "write", "DELETE": "delete"}

    @extend_schema(
        operation_id="get_assistant", responses={200: AssistantOutput, 404: outputs.ErrorOutput}
    )
    def get(self, request: Request, assistant_id: str) -> Response:
        """Return an assistant at the version in force."""
        return Response(shown(self.find_assistant(assistant_id)))

    @extend_schema(
        operation_id="update_assistant",
        request=AssistantChangeInput,
        responses={200: AssistantOutput, **ERRORS},
    )
    def patch(self, request: Request, assistant_id: str) -> Response:
        """Make a new version with what is given."""
        assistant = self.find_assistant(assistant_id)
        given = validated(AssistantChangeInput, request)
        name = given.get("graph_id")
        graph = selectors.resolve(name, user=request.user).graph if name else None
        changed = assistants.change(
            assistant=assistant, now=clock.now(), graph=graph, **_setup(given)
        )
        return Response(shown(changed))

    @extend_schema(operation_id="delete_assistant", responses={204: None, **ERRORS})
    def delete(self, request: Request, assistant_id: str) -> Response:
        """Delete an assistant with its versions; its threads and runs stay."""
        assistant = self.find_assistant(assistant_id)
        if request.query_params.get("delete_threads", "false").lower() in {"true", "1"}:
            raise Invalid("delete_threads is not available; delete the threads themselves.")
        assistants.delete(assistant=assistant)
        return Response(status=204)


class AssistantSearchView(AssistantRoute):
    """/assistants/search."""

    needs = {"POST": "view"}

    @extend_schema(
        operation_id="search_assistants",
        request=AssistantSearchInput,
        responses={200: AssistantOutput(many=True), 422: outputs.ErrorOutput},
    )
    def post(self, request: Request) -> Response:
        """Return the assistants the caller may use, one page."""
        given = validated(AssistantSearchInput, request)
        sign = "" if given.get("sort_order") == "asc" else "-"
        column = SORT[given.get("sort_by") or "created_at"]
        found = self.matching(given).order_by(f"{sign}{column}", f"{sign}id")
        rows, headers = page(found, limit=given["limit"], offset=given["offset"])
        return respond([shown(row) for row in rows], headers)


class AssistantCountView(AssistantRoute):
    """/assistants/count."""

    needs = {"POST": "view"}

    @extend_schema(
        operation_id="count_assistants",
        request=AssistantCountInput,
        responses={200: OpenApiTypes.INT, 422: outputs.ErrorOutput},
    )
    def post(self, request: Request) -> Response:
        """Return how many assistants fit."""
        return Response(self.matching(validated(AssistantCountInput, request)).count())


class AssistantGraphView(AssistantRoute):
    """/assistants/{assistant_id}/graph."""

    needs = {"GET": "view"}

    @extend_schema(
        operation_id="get_assistant_graph",
        parameters=[DrawingQuery],
        responses={200: OpenApiTypes.OBJECT, 404: outputs.ErrorOutput},
    )
    def get(self, request: Request, assistant_id: str) -> Response:
        """Return the nodes and edges of the assistant's graph."""
        description = self.find_assistant(assistant_id).graph.description
        xray = queried(DrawingQuery, request).get("xray", "false").lower()
        drawn = description.get("xray") if xray not in {"false", "0"} else None
        drawn = drawn or description
        return Response({"nodes": drawn.get("nodes", []), "edges": drawn.get("edges", [])})


class AssistantSchemasView(AssistantRoute):
    """/assistants/{assistant_id}/schemas."""

    needs = {"GET": "view"}

    @extend_schema(
        operation_id="get_assistant_schemas",
        responses={200: OpenApiTypes.OBJECT, 404: outputs.ErrorOutput},
    )
    def get(self, request: Request, assistant_id: str) -> Response:
        """Return the JSON schemas of input, output, state, config and context."""
        graph = self.find_assistant(assistant_id).graph
        return Response({"graph_id": graph.name, **_schemas(graph.description.get("schemas"))})


def _schemas(found: dict[str, Any] | None) -> dict[str, Any]:
    return {f"{name}_schema": (found or {}).get(name) for name in SCHEMAS}


class SubgraphsRoute(AssistantRoute):
    """What the two routes about subgraphs share."""

    needs = {"GET": "view"}

    def answer(self, request: Request, assistant_id: str, namespace: str = "") -> Response:
        """Return the schemas of the subgraphs by namespace, all or those below one."""
        graph = self.find_assistant(assistant_id).graph
        recurse = request.query_params.get("recurse", "false").lower() in {"true", "1"}
        found = graph.description.get("subgraphs", {})
        inside = f"{namespace}|" if namespace else ""
        kept = {
            name: {"graph_id": graph.name, **_schemas(drawn.get("schemas"))}
            for name, drawn in found.items()
            if (name == namespace or name.startswith(inside))
            and (recurse or "|" not in name.removeprefix(inside))
        }
        return Response(kept)


class AssistantSubgraphsView(SubgraphsRoute):
    """/assistants/{assistant_id}/subgraphs."""

    @extend_schema(
        operation_id="get_assistant_subgraphs",
        responses={200: OpenApiTypes.OBJECT, 404: outputs.ErrorOutput},
    )
    def get(self, request: Request, assistant_id: str) -> Response:
        """Return the schemas of the subgraphs by namespace."""
        return self.answer(request, assistant_id)


class AssistantSubgraphView(SubgraphsRoute):
    """/assistants/{assistant_id}/subgraphs/{namespace}."""

    @extend_schema(
        operation_id="get_assistant_subgraph",
        responses={200: OpenApiTypes.OBJECT, 404: outputs.ErrorOutput},
    )
    def get(self, request: Request, assistant_id: str, namespace: str) -> Response:
        """Return the schemas of one subgraph and of those below it."""
        return self.answer(request, assistant_id, namespace)


class AssistantVersionsView(AssistantRoute):
    """/assistants/{assistant_id}/versions."""

    needs = {"POST": "read"}

    @extend_schema(
        operation_id="list_assistant_versions",
        request=VersionsInput,
        responses={200: AssistantOutput(many=True), **ERRORS},
    )
    def post(self, request: Request, assistant_id: str) -> Response:
        """Return the versions of an assistant, newest first."""
        assistant = self.find_assistant(assistant_id)
        given = validated(VersionsInput, request)
        found = assistant.versions.select_related("graph").order_by("-version")
        rows, headers = page(found, limit=given["limit"], offset=given["offset"])
        return respond([_shown_version(assistant, row) for row in rows], headers)


class AssistantLatestView(AssistantRoute):
    """/assistants/{assistant_id}/latest."""

    needs = {"POST": "write"}

    @extend_schema(
        operation_id="set_latest_assistant_version",
        request=LatestInput,
        responses={200: AssistantOutput, **ERRORS},
    )
    def post(self, request: Request, assistant_id: str) -> Response:
        """Put a version in force."""
        assistant = self.find_assistant(assistant_id)
        version = validated(LatestInput, request)["version"]
        changed = assistants.put_in_force(assistant=assistant, version=version, now=clock.now())
        return Response(shown(changed))


def shown(row: Assistant) -> dict[str, Any]:
    """Return an assistant as JSON."""
    return {**_setup_of(row), "assistant_id": str(row.public_id), "updated_at": row.updated_at}


def _shown_version(assistant: Assistant, row: AssistantVersion) -> dict[str, Any]:
    return {**_setup_of(row), "assistant_id": str(assistant.public_id)}


def _setup_of(row: Assistant | AssistantVersion) -> dict[str, Any]:
    return {
        "graph_id": row.graph.name,
        "name": row.name,
        "description": row.text or None,
        "config": row.config,
        "context": row.context,
        "metadata": row.metadata,
        "version": row.version,
        "created_at": row.created_at,
    }

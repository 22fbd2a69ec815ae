"""Routes about what graphs and programs remember for the caller, across threads.

None of them names a person: each opens the caller's own memory, so there is no object of
somebody else's to ask the door about.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import JsonResponse
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from threadhub.kernel import clock
from threadhub.kernel.api.views import ProtectedView, queried, validated
from threads_app.services import store

from . import outputs
from . import store_shapes as shapes

if TYPE_CHECKING:
    from django.http import HttpResponse
    from rest_framework.request import Request

ERRORS = {422: outputs.ErrorOutput}
# Says of a search what its body has no place for.
SEARCHED_BY = "X-ThreadHub-Searched-By"


class StoreItemsView(ProtectedView):
    """/store/items."""

    @extend_schema(
        operation_id="put_store_item", request=shapes.PutItemInput, responses={204: None, **ERRORS}
    )
    def put(self, request: Request) -> Response:
        """Store an item in the caller's memory, in place of what was there."""
        given = validated(shapes.PutItemInput, request)
        store.put(
            actor=request.user,
            namespace=tuple(given["namespace"]),
            key=given["key"],
            value=given["value"],
            ttl=given.get("ttl"),
            now=clock.now(),
        )
        return Response(status=204)

    @extend_schema(
        operation_id="get_store_item",
        parameters=[shapes.GetItemQuery],
        responses={200: shapes.ItemOutput(allow_null=True), **ERRORS},
    )
    def get(self, request: Request) -> HttpResponse:
        """Return an item of the caller's, null when there is none."""
        given = queried(shapes.GetItemQuery, request)
        found = store.get(
            actor=request.user,
            namespace=tuple(given["namespace"].split(".")),
            key=given["key"],
            refresh=given["refresh_ttl"],
        )
        # The framework would answer "nothing" with an empty body, which is no JSON.
        return JsonResponse(None, safe=False) if found is None else Response(_item(found))

    @extend_schema(
        operation_id="delete_store_item",
        request=shapes.DeleteItemInput,
        responses={204: None, **ERRORS},
    )
    def delete(self, request: Request) -> Response:
        """Delete an item of the caller's, if there is one."""
        given = validated(shapes.DeleteItemInput, request)
        namespace = tuple(given["namespace"])
        store.delete(actor=request.user, namespace=namespace, key=given["key"], now=clock.now())
        return Response(status=204)


class StoreSearchView(ProtectedView):
    """/store/items/search."""

    @extend_schema(
        operation_id="search_store_items",
        request=shapes.SearchItemsInput,
        responses={200: shapes.FoundItemsOutput, **ERRORS},
    )
    def post(self, request: Request) -> Response:
        """Return the caller's items below a namespace that match a filter, latest first.

        There is no embedding: a `query` is not used, and a header says how was searched.
        """
        given = validated(shapes.SearchItemsInput, request)
        found = store.search(
            actor=request.user,
            prefix=tuple(given.get("namespace_prefix") or ()),
            wanted=given.get("filter"),
            limit=given["limit"],
            offset=given["offset"],
            refresh=given["refresh_ttl"],
        )
        shown = [{**_item(item), "score": None} for item in found]
        return Response({"items": shown}, headers={SEARCHED_BY: "filter"})


class StoreNamespacesView(ProtectedView):
    """/store/namespaces."""

    @extend_schema(
        operation_id="list_store_namespaces",
        request=shapes.ListNamespacesInput,
        responses={200: shapes.NamespacesOutput, **ERRORS},
    )
    def post(self, request: Request) -> Response:
        """Return the namespaces in which the caller has items."""
        given = validated(shapes.ListNamespacesInput, request)
        found = store.namespaces(
            actor=request.user,
            prefix=tuple(given.get("prefix") or ()),
            suffix=tuple(given.get("suffix") or ()),
            max_depth=given.get("max_depth"),
            limit=given["limit"],
            offset=given["offset"],
        )
        return Response({"namespaces": found})


def _item(found: store.Item) -> dict[str, Any]:
    return {
        "namespace": found.namespace,
        "key": found.key,
        "value": found.value,
        "created_at": found.created_at,
        "updated_at": found.updated_at,
    }

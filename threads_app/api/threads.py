"""Routes about threads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.response import Response

from threadhub.kernel import clock
from threadhub.kernel.api.pagination import page, respond
from threadhub.kernel.api.views import ProtectedView, validated
from threads_app.models import Thread
from threads_app.selectors import assistants
from threads_app.services import threads

from . import inputs, outputs
from .routes import ThreadRoute

if TYPE_CHECKING:
    from rest_framework.request import Request

    from threadhub.kernel.rbac.querysets import Action

RELATED = ("graph", "owner")
# A graph's description is larger than all the rest of a thread's row.
UNSEEN = ("graph__description",)


class ThreadsView(ProtectedView):
    """/threads."""

    protected = Thread
    needs = {"POST": "view"}
    tells = "read"

    @extend_schema(
        operation_id="create_thread",
        request=inputs.ThreadCreateInput,
        responses={200: outputs.ThreadOutput, 409: outputs.ErrorOutput, 422: outputs.ErrorOutput},
    )
    def post(self, request: Request) -> Response:
        """Create a thread, owned by the caller."""
        given = validated(inputs.ThreadCreateInput, request)
        metadata = given.get("metadata") or {}
        # LangGraph's clients name the graph in the metadata.
        named = given.get("graph_id") or metadata.get("graph_id")
        assistant = assistants.resolve(str(named), user=request.user) if named else None
        try:
            thread = threads.create(
                actor=request.user,
                now=clock.now(),
                public_id=given.get("thread_id"),
                assistant=assistant,
                title=given["title"],
                metadata=metadata,
            )
        except threads.ThreadExists:
            existing = self._existing(given)
            if existing is None:
                raise
            thread = existing
        else:
            thread.is_told = True  # type: ignore[attr-defined]  # one's own
        return Response(outputs.threads([thread])[0])

    def _existing(self, given: dict[str, Any]) -> Thread | None:
        """Return the thread of that id the caller sees, when the request wants no error for it."""
        if given["if_exists"] != "do_nothing":
            return None
        found: Thread | None = self.visible(*RELATED).filter(public_id=given["thread_id"]).first()
        return found


class ThreadView(ThreadRoute):
    """/threads/{thread_id}."""

    needs = {"GET": "view", "PATCH": "write", "DELETE": "delete"}
    tells = "read"

    @extend_schema(
        operation_id="get_thread",
        responses={200: outputs.ThreadOutput, 404: outputs.ErrorOutput, 422: outputs.ErrorOutput},
    )
    def get(self, request: Request, thread_id: str) -> Response:
        """Return a thread with a preview of its values and its open questions."""
        thread = self.find_thread(thread_id, *RELATED)
        return Response(outputs.threads([thread])[0])

    @extend_schema(
        operation_id="update_thread",
        request=inputs.ThreadUpdateInput,
        responses={
            200: outputs.ThreadOutput,
            204: OpenApiResponse(description="With `Prefer: return=minimal`."),
            404: outputs.ErrorOutput,
            422: outputs.ErrorOutput,
        },
    )
    def patch(self, request: Request, thread_id: str) -> Response:
        """Merge metadata keys and set the title."""
        thread = self.find_thread(thread_id)
        given = validated(inputs.ThreadUpdateInput, request)
        threads.change(
            thread=thread,
            now=clock.now(),
            metadata=given.get("metadata"),
            title=given.get("title"),
        )
        if "return=minimal" in request.headers.get("Prefer", ""):
            return Response(status=204)
        return Response(outputs.threads([self.find(*RELATED, pk=thread.pk)])[0])

    @extend_schema(
        operation_id="delete_thread",
        responses={204: None, 404: outputs.ErrorOutput},
    )
    def delete(self, request: Request, thread_id: str) -> Response:
        """Delete a thread with everything it has; a run under way is cut off."""
        thread = self.find_thread(thread_id)
        threads.delete(thread=thread, now=clock.now(), actor=request.user)
        return Response(status=204)


class ThreadSearchView(ProtectedView):
    """/threads/search."""

    protected = Thread
    needs = {"POST": "view"}
    tells = "read"

    @extend_schema(
        operation_id="search_threads",
        request=inputs.ThreadSearchInput,
        responses={200: outputs.ThreadOutput(many=True), 422: outputs.ErrorOutput},
    )
    def post(self, request: Request) -> Response:
        """Return the threads the caller sees that match, one page; totals are in the headers."""
        given = validated(inputs.ThreadSearchInput, request)
        found = self.visible(*RELATED, action=_needed(given)).defer(*UNSEEN)
        found = _matching(found, given)
        rows, headers = page(found, limit=given["limit"], offset=given["offset"])
        return respond(outputs.selected(outputs.threads(rows), given.get("select")), headers)


class ThreadCountView(ProtectedView):
    """/threads/count."""

    protected = Thread
    needs = {"POST": "view"}

    @extend_schema(
        operation_id="count_threads",
        request=inputs.ThreadFilterInput,
        responses={200: OpenApiTypes.INT, 422: outputs.ErrorOutput},
    )
    def post(self, request: Request) -> Response:
        """Return how many of the threads the caller sees match."""
        given = validated(inputs.ThreadFilterInput, request)
        found: Any = self.visible(action=_needed(given))
        return Response(found.matching(given).count())


def _needed(given: dict[str, Any]) -> Action:
    """Return the permission a search needs: values that are masked cannot be searched for."""
    return "read" if given.get("metadata") else "view"


def _matching(found: Any, given: dict[str, Any]) -> Any:
    names = {"thread_id": "public_id"}
    column = names.get(given["sort_by"], given["sort_by"])
    sign = "-" if given["sort_order"] == "desc" else ""
    return found.matching(given).order_by(f"{sign}{column}", f"{sign}id")

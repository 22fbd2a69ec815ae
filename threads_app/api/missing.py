"""Routes of LangGraph's API that ThreadHub does not serve yet: each says so, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.urls import path
from drf_spectacular.utils import extend_schema

from threadhub.kernel.api.views import ProtectedView
from threadhub.kernel.errors import NotAvailable, NotVisible
from threads_app.selectors import assistants
from threads_app.selectors.graphs import GraphUnknown

from . import outputs
from .routes import ThreadRoute

if TYPE_CHECKING:
    from django.urls import URLPattern
    from rest_framework.request import Request

# By address: what each method would do, as the beginning of a sentence.
ROUTES: dict[str, dict[str, str]] = {
    "runs/crons": {"post": "Creating crons"},
    "runs/crons/search": {"post": "Searching crons"},
    "runs/crons/count": {"post": "Counting crons"},
    "runs/crons/<str:cron_id>": {
        "get": "Reading crons",
        "patch": "Changing crons",
        "delete": "Deleting crons",
    },
    "threads/prune": {"post": "Pruning threads"},
    "metrics": {"get": "Showing metrics"},
    "docs": {"get": "Showing the documentation"},
    "mcp": dict.fromkeys(("get", "post", "delete"), "The Model Context Protocol"),
    "mcp/": dict.fromkeys(("get", "post", "delete"), "The Model Context Protocol"),
}
OF_A_THREAD: dict[str, dict[str, str]] = {
    "threads/<str:thread_id>/copy": {"post": "Copying threads"},
    "threads/<str:thread_id>/storage": {"get": "Measuring the storage of threads"},
    "threads/<str:thread_id>/stream": {"get": "Streaming all runs of a thread"},
    "threads/<str:thread_id>/stream/events": {"post": "Streaming protocol events"},
    "threads/<str:thread_id>/commands": {"post": "Sending commands to threads"},
    "threads/<str:thread_id>/runs/crons": {"post": "Creating crons for a thread"},
}
OF_AN_ASSISTANT: dict[str, dict[str, str]] = {
    "a2a/<str:assistant_id>": {"post": "The Agent2Agent protocol"},
}


class MissingView(ProtectedView):
    """A route that is not there yet."""

    operations: dict[str, str] = {}

    def refuse(self, request: Request, **_: Any) -> None:
        """Say which operation is missing, with 501."""
        raise NotAvailable(self.operations[str(request.method).lower()])


class MissingThreadView(ThreadRoute, MissingView):
    """A route below a thread that is not there yet; whose thread it is comes first."""

    def refuse(self, request: Request, **kwargs: Any) -> None:
        """Find the thread, then say what is missing."""
        self.find_thread(kwargs["thread_id"])
        super().refuse(request)


class MissingAssistantView(MissingView):
    """A route below an assistant that is not there yet."""

    def refuse(self, request: Request, **kwargs: Any) -> None:
        """Find the assistant, then say what is missing."""
        try:
            assistants.resolve(kwargs["assistant_id"], user=request.user)
        except GraphUnknown as error:
            raise NotVisible(error.message) from error
        super().refuse(request)


def _view(base: type[MissingView], operations: dict[str, str]) -> Any:
    """Return a view with these methods, all of which refuse."""

    def handler(self: MissingView, request: Request, **kwargs: Any) -> None:
        self.refuse(request, **kwargs)

    hidden = extend_schema(exclude=True, responses={501: outputs.ErrorOutput})
    methods: dict[str, Any] = {name: hidden(handler) for name in operations}
    needs = {name.upper(): "read" if name == "get" else "execute" for name in operations}
    return type(base.__name__, (base,), {**methods, "operations": operations, "needs": needs})


def _paths(base: type[MissingView], routes: dict[str, dict[str, str]]) -> list[URLPattern]:
    return [path(route, _view(base, named).as_view()) for route, named in routes.items()]


urlpatterns = [
    *_paths(MissingView, ROUTES),
    *_paths(MissingThreadView, OF_A_THREAD),
    *_paths(MissingAssistantView, OF_AN_ASSISTANT),
]

"""What the tabs of a thread's page share: the door, the head, the frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib.admin import AdminSite, site
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.views import View

from threadhub.kernel.errors import NotAllowed, NotVisible
from threadhub.kernel.rbac import access
from threads_app.models import Thread

from . import head

if TYPE_CHECKING:
    from threadhub.kernel.rbac.querysets import Action


class ThreadPage(View):
    """One tab: a GET that shows the thread to whoever holds what the tab needs."""

    tab: ClassVar[str]
    needs: ClassVar[Action] = "view"
    template: ClassVar[str]
    site: AdminSite = site

    def get(self, request: HttpRequest, thread_key: int) -> TemplateResponse:
        """Show the tab; 404 for a thread the person cannot see, 403 without the permission."""
        thread = found(request, thread_key, self.needs)
        context = {**self.frame(request, thread), **self.content(request, thread)}
        return self.response(request, context)

    def frame(self, request: HttpRequest, thread: Thread) -> dict[str, Any]:
        """Return what the shell and the head show."""
        return {
            **self.site.each_context(request),
            "title": str(thread),
            "crumbs": [(reverse("admin:threads_app_thread_changelist"), gettext("Threads"))],
            **head.of(request, thread, tab=self.tab),
        }

    def response(
        self, request: HttpRequest, context: dict[str, Any], status: int = 200
    ) -> TemplateResponse:
        """Return the page; a form that was refused is shown again with the refusal's status."""
        return TemplateResponse(request, self.template, context, status=status)

    def content(self, request: HttpRequest, thread: Thread) -> dict[str, Any]:
        """Return what the tab's template shows beside the head."""
        return {}


def found(request: HttpRequest, thread_key: int, action: Action) -> Thread:
    """Return the thread through the one door. Raises Http404, PermissionDenied."""
    try:
        return access.get(
            Thread.objects.select_related("graph", "owner", "stream"),
            user=request.user,
            action=action,
            pk=thread_key,
        )
    except NotVisible as error:
        raise Http404(error.message) from None
    except NotAllowed as error:
        raise PermissionDenied(error.message) from None

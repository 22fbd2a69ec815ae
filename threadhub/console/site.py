"""The admin site that is the console: everybody with an active account may sign in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.forms import AuthenticationForm
from django.shortcuts import redirect
from django.urls import path
from django.utils.translation import gettext_lazy as _

from . import nav

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.urls import URLPattern, URLResolver


class ConsoleSite(admin.AdminSite):
    """Django's site asks for staff; here each page asks what the person may see."""

    site_title = "ThreadHub"
    site_header = "ThreadHub"
    # Leads to the console, where one is already.
    site_url = None
    index_title = _("Console")
    login_form = AuthenticationForm

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        # Each object is deleted on a page that says what goes with it.
        self.disable_action("delete_selected")

    def has_permission(self, request: HttpRequest) -> bool:
        """Say whether the person may sign in."""
        return request.user.is_active

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Return what the shell needs on every page."""
        is_inside = self.has_permission(request)
        return {
            "site_title": self.site_title,
            "site_header": self.site_header,
            "has_permission": is_inside,
            "nav": nav.groups(request) if is_inside else [],
            "environment": settings.ENVIRONMENT,
            "version": settings.SPECTACULAR_SETTINGS["VERSION"],
        }

    def app_index(self, request: HttpRequest, app_label: str, extra_context: Any = None) -> Any:
        """Lead to the overview: packages are nothing people look for."""
        return redirect("admin:index")

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Return the console's own pages, then those of the models."""
        # They ask this site what their frame shows.
        from . import inbox, overview  # noqa: PLC0415

        own = [
            path("", self.admin_view(overview.OverviewPage.as_view()), name="index"),
            path("inbox/", self.admin_view(inbox.InboxPage.as_view()), name="inbox"),
            path("demo/", self.admin_view(overview.DemoPage.as_view()), name="start_demo"),
        ]
        return [*own, *super().get_urls()]

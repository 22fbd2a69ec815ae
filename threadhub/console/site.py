"""The admin site that is the console: everybody with an active account may sign in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin
from django.contrib.auth.forms import AuthenticationForm
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.http import HttpRequest


class ConsoleSite(admin.AdminSite):
    """Django's site asks for staff; here each page asks what the person may see."""

    site_title = "ThreadHub"
    site_header = "ThreadHub"
    # Leads to the console, where one is already.
    site_url = None
    index_title = _("Console")
    login_form = AuthenticationForm

    def has_permission(self, request: HttpRequest) -> bool:
        """Say whether the person may sign in."""
        return request.user.is_active

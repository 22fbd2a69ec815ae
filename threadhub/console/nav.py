"""The side navigation: what each person finds there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

if TYPE_CHECKING:
    from django.http import HttpRequest

Text = str | Promise


@dataclass(frozen=True, slots=True)
class Entry:
    """A page: its name, icon and address, and the model whose admin says who finds it."""

    text: Text
    icon: str
    view: str
    model: str = ""
    # The element in which the live module keeps a count.
    count: str = ""


GROUPS: tuple[tuple[Text, tuple[Entry, ...]], ...] = (
    (
        _("Operate"),
        (
            Entry(_("Overview"), "overview", "admin:index"),
            Entry(
                pgettext_lazy("ThreadHub", "Sessions"),
                "sessions",
                "admin:sessions_app_session_changelist",
            ),
            Entry(_("Threads"), "threads", "admin:threads_app_thread_changelist"),
            Entry(_("Runs"), "play", "admin:threads_app_run_changelist"),
            Entry(
                _("Operations"),
                "operations",
                "admin:threadhub_operation_changelist",
            ),
        ),
    ),
    (
        _("Govern"),
        (
            Entry(
                pgettext_lazy("ThreadHub", "Permissions"),
                "permissions",
                "admin:threadhub_rolegrant_changelist",
                "threadhub.RoleGrant",
            ),
            Entry(
                _("Audit"), "audit", "admin:threadhub_auditentry_changelist", "threadhub.AuditEntry"
            ),
            Entry(
                pgettext_lazy("ThreadHub", "Users"),
                "users",
                "admin:auth_user_changelist",
                "auth.User",
            ),
        ),
    ),
    (
        _("System"),
        (
            Entry(_("Graphs"), "graphs", "admin:threads_app_graph_changelist"),
            Entry(_("API keys"), "link", "admin:threadhub_apikey_changelist", "threadhub.ApiKey"),
        ),
    ),
)


def groups(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the groups with the entries the person may open; the current one is marked."""
    found = [
        {
            "title": title,
            "entries": [_shown(entry, request) for entry in entries if _may(entry, request)],
        }
        for title, entries in GROUPS
    ]
    return [group for group in found if group["entries"]]


def _may(entry: Entry, request: HttpRequest) -> bool:
    registry = {model._meta.label: page for model, page in admin.site._registry.items()}
    return not entry.model or registry[entry.model].has_view_permission(request)


def _shown(entry: Entry, request: HttpRequest) -> dict[str, Any]:
    address = reverse(entry.view)
    home = reverse("admin:index")
    is_current = request.path == address or (address != home and request.path.startswith(address))
    return {
        "text": entry.text,
        "icon": entry.icon,
        "address": address,
        "count": entry.count,
        "is_current": is_current,
    }

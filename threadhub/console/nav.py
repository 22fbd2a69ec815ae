"""The side navigation: what each person finds there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

if TYPE_CHECKING:
    from django.http import HttpRequest

Text = str | Promise


@dataclass(frozen=True, slots=True)
class Entry:
    """A page: its name, icon and address, and the model whose admin says who finds it.

    A view that does not exist yet leaves its entry out.
    """

    text: Text
    icon: str
    view: str
    model: str = ""
    # Whether the live module keeps the number of open questions beside it.
    is_inbox: bool = False
    # Views of pages that belong to it.
    also: tuple[str, ...] = ()


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
            Entry(_("Needs you"), "inbox", "admin:inbox", is_inbox=True),
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
                also=("admin:threadhub_globalgrant_changelist", "admin:threadhub_role_changelist"),
            ),
            Entry(
                pgettext_lazy("ThreadHub", "Audit"),
                "audit",
                "admin:threadhub_auditentry_changelist",
                "threadhub.AuditEntry",
            ),
            Entry(
                _("Users and groups"),
                "users",
                "admin:auth_user_changelist",
                "auth.User",
                also=("admin:auth_group_changelist",),
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
    registry = {model._meta.label: page for model, page in admin.site._registry.items()}
    found = [
        {
            "title": title,
            "entries": [
                _shown(entry, address, request.path)
                for entry in entries
                if not entry.model or registry[entry.model].has_view_permission(request)
                if (address := _address(entry.view))
            ],
        }
        for title, entries in GROUPS
    ]
    return [group for group in found if group["entries"]]


def _address(view: str) -> str:
    try:
        return reverse(view)
    except NoReverseMatch:
        return ""


def _shown(entry: Entry, address: str, path: str) -> dict[str, Any]:
    # Every address begins with that of the overview.
    below = () if entry.view == "admin:index" else (address, *map(reverse, entry.also))
    return {
        "text": entry.text,
        "icon": entry.icon,
        "address": address,
        "is_inbox": entry.is_inbox,
        "is_current": path == address or path.startswith(below),
    }

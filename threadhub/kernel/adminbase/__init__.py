"""What every admin page of ThreadHub shares: read-only, and only what the one door shows."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.utils.html import format_html
from django.utils.timezone import localtime

from threadhub.kernel.models import clean_text
from threadhub.kernel.observability.redaction import redact
from threadhub.kernel.rbac import access
from threadhub.kernel.rbac.held import views_everything
from threadhub.kernel.rbac.querysets import ProtectedQuerySet

from .marks import badge as badge

if TYPE_CHECKING:
    from datetime import datetime

    from django.db import models
    from django.http import HttpRequest
    from django.utils.safestring import SafeString

SHOWN_CHARACTERS = 20_000


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """Pages for everybody who signed in that show rows and change none.

    Model permissions open nothing here; rows that belong to somebody use ProtectedAdmin.
    """

    show_full_result_count = False
    list_per_page = 50
    list_max_show_all = 200
    change_form_template = "admin/read_only.html"

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Allow what the page's own filters ask for.

        Django allows every column of the row, by whose values what a page hides can be guessed.
        """
        filters: Any = self.get_list_filter(request)
        names = {found if isinstance(found, str) else found[0] for found in filters}
        is_own = lookup.partition("__")[0] in names
        return is_own and super().lookup_allowed(lookup, value, request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Say whether the person finds these pages on the index."""
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say whether the person may open the list, or this row."""
        return request.user.is_active

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Rows are made by services."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Rows are changed by services."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Rows are deleted by services."""
        return False


class ProtectedAdmin(ReadOnlyAdmin):
    """Pages about a protected model: list, search, filters and rows all ask the one door."""

    # Shown to people who may read the state, beside what everyone sees who may view the row.
    state_fieldsets: tuple[tuple[Any, dict[str, Any]], ...] = ()

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        """Return the rows the person may view."""
        return visible(super().get_queryset(request), request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say whether the person may open the list, or view this row."""
        if not super().has_view_permission(request):
            return False
        return obj is None or access.can(request.user, "view", obj)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the fields, with the state's where the person may read it."""
        found = [*super().get_fieldsets(request, obj)]
        if obj is not None and access.can(request.user, "read", obj):
            found += self.state_fieldsets
        return found


class SuperuserAdmin(ReadOnlyAdmin):
    """Pages for superusers alone."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say whether the person is a superuser."""
        return super().has_view_permission(request) and bool(request.user.is_superuser)


class OverseerAdmin(ReadOnlyAdmin):
    """Pages for people who may view everything: superusers, admins, auditors."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say whether the person may view everything."""
        return views_everything(request.user)


def visible(rows: models.QuerySet[Any], request: HttpRequest) -> models.QuerySet[Any]:
    """Return the rows the person may view. Raises TypeError for a model without a door."""
    if not isinstance(rows, ProtectedQuerySet):
        raise TypeError(f"{rows.model.__name__} is not protected: use ReadOnlyAdmin.")
    return rows.visible_to(request.user, "view")


def as_json(value: Any) -> SafeString | str:
    """Return a JSON value to show: secrets masked, indented, cut when it is very long."""
    if value in (None, {}, []):
        return "–"
    text = clean_text(json.dumps(redact(value), indent=2, ensure_ascii=False, default=str))
    left_out = len(text) - SHOWN_CHARACTERS
    if left_out > 0:
        text = f"{text[:SHOWN_CHARACTERS]}\n… {left_out} characters are left out."
    return format_html('<pre class="th-json">{}</pre>', text)


def json_field(name: str, label: Any) -> Callable[[Any, Any], SafeString | str]:
    """Return an admin column that shows the row's JSON field."""

    @admin.display(description=label)
    def shown(_: Any, row: Any) -> SafeString | str:
        return as_json(getattr(row, name))

    return shown


def plain_field(name: str, label: Any) -> Callable[[Any, Any], str]:
    """Return an admin column that shows the row's field under another name."""

    @admin.display(description=label, ordering=name)
    def shown(_: Any, row: Any) -> str:
        return str(getattr(row, name)) or "–"

    return shown


def time_field(name: str, label: Any) -> Callable[[Any, Any], SafeString | str]:
    """Return an admin column that shows the row's time to the second."""

    @admin.display(description=label, ordering=name)
    def shown(_: Any, row: Any) -> SafeString | str:
        moment = getattr(row, name)
        return format_html('<span class="th-time">{}</span>', as_time(moment)) if moment else "–"

    return shown


def as_time(moment: datetime) -> str:
    """Return a time to show, in the time zone of the page."""
    return f"{localtime(moment):%Y-%m-%d %H:%M:%S}"

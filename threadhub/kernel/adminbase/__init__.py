"""What every admin page of ThreadHub shares: read-only, and only what the one door shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.contrib.admin.utils import flatten, unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.template.response import TemplateResponse
from django.urls import reverse

from threadhub.kernel.rbac import access
from threadhub.kernel.rbac.held import views_everything
from threadhub.kernel.rbac.querysets import ProtectedQuerySet

from . import cells, marks
from .cells import as_json as as_json
from .declaring import ListAdmin as ListAdmin
from .declaring import Text
from .marks import badge as badge

if TYPE_CHECKING:
    from django.db import models
    from django.http import HttpRequest
    from django.urls import URLPattern
    from django.utils.safestring import SafeString

# What a page shows: its parts, each with a title and pairs of label and value.
Part = tuple[Text, list[tuple[str, Any]]]


class ReadOnlyAdmin(ListAdmin):
    """Pages for everybody who signed in that show rows and change none.

    Model permissions open nothing here; rows that belong to somebody use ProtectedAdmin.
    """

    detail_template = "admin/detail.html"
    # The parts of a row's page: a title and the names of its fields.
    parts: ClassVar[tuple[tuple[Text, tuple[str, ...]], ...]] = ()
    # Parts that begin folded, by title. No set: a title has another hash in each language.
    folded: ClassVar[tuple[Text, ...]] = ()

    def get_urls(self) -> list[URLPattern]:
        """Return the list and the page of a row: services make and change rows."""
        kept = ("_changelist", "_change")
        return [each for each in super().get_urls() if (each.name or "").endswith(kept)]

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Say whether the person finds these pages."""
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

    def row(self, request: HttpRequest, object_id: str) -> Any:
        """Return the row of a page. Raises Http404, the same for missing and hidden."""
        found = self.get_object(request, unquote(object_id))
        if found is None:
            raise Http404
        if not self.has_view_permission(request, found):
            raise PermissionDenied
        return found

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Show the page of a row."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = self.row(request, object_id)
        if request.method not in {"GET", "HEAD"}:
            return self.act(request, row)
        context = {
            **self.admin_site.each_context(request),
            "title": str(row),
            "crumbs": [(reverse(self.list_view()), self.title)],
            "row": row,
            "parts": self.shown_parts(request, row),
            **self.detail(request, row),
        }
        return TemplateResponse(request, self.detail_template, context)

    def act(self, request: HttpRequest, row: Any) -> Any:
        """Answer a form of the page. Here there is none: rows are changed by services."""
        raise PermissionDenied

    def detail(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Return what the page shows beside its parts."""
        return {}

    def parts_of(self, request: HttpRequest, row: Any) -> tuple[tuple[Text, tuple[str, ...]], ...]:
        """Return the parts of this row's page."""
        return self.parts

    def shown_parts(self, request: HttpRequest, row: Any) -> list[dict[str, Any]]:
        """Return the parts of the page with their labels and values."""
        return [
            {
                "title": title,
                "is_folded": title in self.folded,
                "pairs": [
                    (cells.label(self, name), cells.content(self, row, name, is_exact=True))
                    for name in flatten(names)
                ],
            }
            for title, names in self.parts_of(request, row)
        ]


class ProtectedAdmin(ReadOnlyAdmin):
    """Pages about a protected model: list, search, filters and rows all ask the one door."""

    # Shown to people who may read the state, beside what everyone sees who may view the row.
    state_parts: ClassVar[tuple[tuple[Text, tuple[str, ...]], ...]] = ()

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        """Return the rows the person may view."""
        return visible(super().get_queryset(request), request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say whether the person may open the list, or view this row."""
        if not super().has_view_permission(request):
            return False
        return obj is None or access.can(request.user, "view", obj)

    def shows_all(self, request: HttpRequest) -> bool:
        """Say whether the person sees every row there is."""
        return views_everything(request.user)

    def parts_of(self, request: HttpRequest, row: Any) -> tuple[tuple[Text, tuple[str, ...]], ...]:
        """Return the parts, with the state's where the person may read it."""
        may_read = bool(self.state_parts) and access.can(request.user, "read", row)
        return (*self.parts, *self.state_parts) if may_read else self.parts


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


def plain_field(name: str, label: Any) -> Callable[[Any, Any], str]:
    """Return an admin column that shows the row's field under another name."""

    @admin.display(description=label, ordering=name)
    def shown(_: Any, row: Any) -> str:
        return str(getattr(row, name)) or "–"

    return shown


def time_field(name: str, label: Any) -> Callable[[Any, Any], SafeString | str]:
    """Return an admin column that shows how long ago the row's moment was."""

    @admin.display(description=label, ordering=name)
    def shown(_: Any, row: Any) -> SafeString | str:
        return marks.ago(getattr(row, name))

    return shown

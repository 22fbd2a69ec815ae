"""The admin pages of sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from sessions_app.models import Session
from sessions_app.selectors import members, plans
from threadhub.kernel.adminbase import ProtectedAdmin, badge, json_field, plain_field, time_field
from threadhub.kernel.rbac import access

if TYPE_CHECKING:
    from django.http import HttpRequest


@admin.register(Session)
class SessionAdmin(ProtectedAdmin):
    """The sessions a person may see, each with its threads and its last plan."""

    list_display = ("shown_title", "state", "thread_count", "owner", "updated")
    list_filter = ("status", ("owner", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("owner",)
    search_fields = ("public_id", "title")
    ordering = ("-updated_at", "-id")
    change_form_template = "admin/sessions_app/session/detail.html"
    fieldsets = (
        (None, {"fields": ("public_id", "title", "state", "owned_by")}),
        (_("Plans"), {"fields": (("shown_policy", "shown_limit"),)}),
        (_("Times"), {"fields": (("created", "updated", "archived"),)}),
    )
    state_fieldsets = ((_("Labels"), {"fields": ("metadata_shown",)}),)
    shown_policy = plain_field("policy", _("policy"))
    shown_limit = plain_field("parallel_limit", _("threads at a time"))
    created = time_field("created_at", _("created"))
    updated = time_field("updated_at", _("last activity"))
    archived = time_field("archived_at", _("archived"))
    metadata_shown = json_field("metadata", _("metadata"))

    def get_queryset(self, request: HttpRequest) -> Any:
        """Return the sessions the person may view, with the numbers of their threads."""
        found: Any = super().get_queryset(request)
        return found.with_member_counts()

    @admin.display(description=_("session"), ordering="title")
    def shown_title(self, row: Session) -> str:
        """Show the title with the id, since titles repeat."""
        return format_html('{} <span class="th-id th-below">{}</span>', row.title, row.public_id)

    @admin.display(description=_("status"), ordering="status")
    def state(self, row: Session) -> str:
        """Show what the session is doing."""
        return badge(row.status)

    @admin.display(description=_("threads"))
    def thread_count(self, row: Any) -> int:
        """Show how many threads the session has."""
        return row.member_count or 0

    @admin.display(description=_("owner"))
    def owned_by(self, row: Session) -> str:
        """Show the name alone: accounts are the administrators' pages."""
        return row.owner.get_username()

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        """Show a session with its threads and its last plan."""
        session = context.get("original")
        if session is not None:
            plan = plans.last(session)
            context |= {
                "members": members.of(session),
                "plan": plan,
                "nodes": plans.nodes(plan) if plan else [],
                "can_read": access.can(request.user, "read", session),
            }
        return super().render_change_form(request, context, *args, **kwargs)

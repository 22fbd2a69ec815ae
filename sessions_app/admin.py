"""The admin pages of sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, pgettext_lazy

from sessions_app.models import Session
from sessions_app.selectors import members, plans
from threadhub.kernel.adminbase import ProtectedAdmin, marks
from threadhub.kernel.rbac import access

if TYPE_CHECKING:
    from django.http import HttpRequest

POLICIES = {
    Session.Policy.BEST_EFFORT: _(
        "Best effort: what does not depend on a failed thread still runs"
    ),
    Session.Policy.STRICT: _("Strict: after a failure nothing more is started"),
}


@admin.register(Session)
class SessionAdmin(ProtectedAdmin):
    """The sessions a person may see, each with its threads and its last plan."""

    title = pgettext_lazy("ThreadHub", "Sessions")
    icon = "sessions"
    empty_title = _("No sessions yet")
    empty_text = _("A session groups threads that serve one purpose. Programs make it by the API.")
    list_display = ("name", "status", "thread_count", "owner", "created_at", "updated_at")
    column_sizes = {"thread_count": "sm", "owner": "md", "created_at": "lg", "updated_at": "sm"}
    number_columns = frozenset({"thread_count", "created_at", "updated_at"})
    hidden_columns = frozenset({"created_at"})
    labels = {
        "status": _("status"),
        "owner": _("owner"),
        "public_id": _("id"),
        "created_at": _("created"),
        "updated_at": _("last activity"),
        "archived_at": _("archived"),
        "parallel_limit": _("threads at a time"),
        "metadata": _("metadata"),
    }
    list_filter = ("status", ("owner", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("owner",)
    search_fields = ("public_id", "title")
    search_help_text = _("Title or id")
    ordering = ("-updated_at", "-id")
    detail_template = "admin/sessions_app/session/detail.html"
    parts = (
        (
            _("About"),
            (
                "public_id",
                "owner",
                "shown_policy",
                "parallel_limit",
                "created_at",
                "updated_at",
                "archived_at",
            ),
        ),
    )
    state_parts = ((_("Labels"), ("metadata",)),)

    def get_queryset(self, request: HttpRequest) -> Any:
        """Return the sessions the person may view, with the numbers of their threads."""
        found: Any = super().get_queryset(request)
        return found.with_member_counts().select_related("owner")

    @admin.display(description=_("session"), ordering="title")
    def name(self, row: Session) -> str:
        """Show the title."""
        return str(row)

    def note_of(self, row: Any) -> str:
        """Say how many threads it has, where their column has gone."""
        count = row.member_count or 0
        return ngettext("%(count)d thread", "%(count)d threads", count) % {"count": count}

    @admin.display(description=_("threads"))
    def thread_count(self, row: Any) -> str:
        """Show how many threads the session has."""
        return str(row.member_count or 0)

    @admin.display(description=_("policy"))
    def shown_policy(self, row: Session) -> str:
        """Show what a failure of one thread means for the others."""
        return str(POLICIES[Session.Policy(row.policy)])

    def detail(self, request: HttpRequest, row: Session) -> dict[str, Any]:
        """Return the session's threads and its last plan."""
        plan = plans.last(row)
        nodes = plans.nodes(plan) if plan else []
        order = {node.association_id: position for position, node in enumerate(nodes)}
        found = sorted(members.of(row), key=lambda member: order.get(member.pk, len(order)))
        return {
            "topics": f"session:{row.public_id}",
            "members": found,
            "plan": plan,
            "nodes": nodes,
            "can_read": access.can(request.user, "read", row),
            "status": marks.badge(row.status, classes="badge--lg"),
        }

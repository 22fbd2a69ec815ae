"""The pages of operations: the jobs people asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from threadhub.kernel import clock
from threadhub.kernel.adminbase import ProtectedAdmin, marks
from threadhub.kernel.errors import Conflict
from threadhub.kernel.operations import selecting, steering
from threadhub.kernel.operations.models import ENDED, Operation
from threadhub.kernel.rbac import access

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse
    from django.utils.safestring import SafeString

    from threadhub.kernel.rbac.querysets import Action

ITEMS_SHOWN = 100
# Resuming works with the rights of who asked for it, which may be more than the person's own.
STEPS: dict[str, tuple[Action, Any]] = {
    "cancel": ("execute", steering.cancel),
    "resume": ("manage", steering.resume),
}


@admin.register(Operation)
class OperationAdmin(ProtectedAdmin):
    """The jobs that were asked for: who, why, how far, and what became of each item."""

    title = _("Operations")
    icon = "operations"
    empty_title = _("No operations yet")
    empty_text = _("Work on many threads at once, such as repairing, shows here.")
    list_display = ("kind", "state", "progress_shown", "asked_by", "reason", "created_at", "took")
    column_sizes = {
        "progress_shown": "sm",
        "asked_by": "md",
        "reason": "lg",
        "created_at": "md",
        "took": "lg",
    }
    number_columns = frozenset({"created_at", "took"})
    # Ids grow with time.
    orders = {"created_at": "id"}
    sortable_by = ("kind", "state", "asked_by", "created_at")
    labels = {
        "public_id": _("id"),
        "kind": _("kind"),
        "state": _("status"),
        "asked_by": _("asked by"),
        "reason": _("reason"),
        "target": _("object"),
        "filter": _("filter"),
        "arguments": _("arguments"),
        "created_at": _("created"),
        "started_at": _("started"),
        "finished_at": _("ended"),
        "cancel_requested_at": _("cancel asked for"),
        "worker": _("worker"),
        "lease_until": _("lease until"),
        "crashes": _("crashes"),
    }
    list_filter = ("state",)
    list_select_related = ("asked_by",)
    search_fields = ("public_id", "kind", "reason")
    search_help_text = _("Kind, reason or id")
    ordering = ("-id",)
    detail_template = "admin/threadhub/operation/detail.html"
    parts = (
        (_("Order"), ("public_id", "asked_by", "reason", "target", "filter", "arguments")),
        (_("Times"), ("created_at", "started_at", "finished_at", "cancel_requested_at")),
        (_("Execution"), ("worker", "lease_until", "crashes")),
    )
    folded = (_("Execution"),)

    @admin.display(description=_("progress"))
    def progress_shown(self, row: Operation) -> str:
        """Show how many items are dealt with, and how many of them failed."""
        text = gettext("%(dealt)d of %(total)d")
        if row.failed:
            text = gettext("%(dealt)d of %(total)d, %(failed)d failed")
        return text % {"dealt": row.dealt, "total": row.total, "failed": row.failed}

    @admin.display(description=_("took"))
    def took(self, row: Operation) -> str:
        """Show how long the operation worked."""
        if row.started_at is None:
            return "–"
        return marks.duration(((row.finished_at or clock.now()) - row.started_at).total_seconds())

    def note_of(self, row: Operation) -> SafeString:
        """Say when it was asked for, where the column has gone."""
        return marks.ago(row.created_at)

    def detail(self, request: HttpRequest, row: Operation) -> dict[str, Any]:
        """Return the operation's items, those that failed before the others, page by page."""
        pages = Paginator(selecting.failed_first(row), ITEMS_SHOWN)
        # The row counts its items itself.
        pages.count = row.total
        is_over = row.state in ENDED
        return {
            "title": row.kind,
            "topics": f"operation:{row.public_id}",
            "status": marks.badge(row.state, classes="badge--lg"),
            "items": pages.get_page(request.GET.get("page")),
            "percent": round(100 * row.dealt / row.total) if row.total else 100,
            "may_cancel": access.can(request.user, STEPS["cancel"][0], row),
            "may_resume": access.can(request.user, STEPS["resume"][0], row),
            "is_over": is_over,
            "is_resumable": is_over and row.total > row.done + row.skipped,
        }

    def act(self, request: HttpRequest, row: Operation) -> HttpResponse:
        """Cancel the operation or take it up again, and lead back to its page."""
        needs, step = STEPS["resume" if "resume" in request.POST else "cancel"]
        access.demand(request.user, needs, row)
        try:
            step(operation=row, actor=request.user, now=clock.now())
        except Conflict as error:
            messages.error(request, error.message)
        return redirect(request.path)

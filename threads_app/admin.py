"""The admin pages of graphs, threads and runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.utils import flatten
from django.shortcuts import redirect
from django.urls import URLPattern, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from threadhub.kernel import clock
from threadhub.kernel.adminbase import (
    ProtectedAdmin,
    ReadOnlyAdmin,
    badge,
    json_field,
    plain_field,
    time_field,
)
from threadhub.kernel.errors import NotVisible
from threads_app.models import Graph, Run, Thread
from threads_app.services import graphs, runs
from threads_app.web import urls

if TYPE_CHECKING:
    from django.http import HttpRequest

    from threads_app.querysets import RunQuerySet

RUNS_SHOWN = 20
CHECKPOINTS_SHOWN = 100


@admin.register(Graph)
class GraphAdmin(ReadOnlyAdmin):
    """What the installation can run; for everyone who may sign in here."""

    list_display = ("name", "project", "form", "state", "source", "about", "loaded")
    list_filter = ("status",)
    search_fields = ("name", "project")
    ordering = ("name",)
    fieldsets = (
        (None, {"fields": ("name", "about", "state", "problem", "notes_shown", "source")}),
        (_("Origin"), {"fields": (("project", "target", "form"), ("loaded", "import_seconds"))}),
        (_("Identity"), {"fields": ("assistant_id", "fingerprint", "revision")}),
        (_("Structure"), {"fields": ("description_shown",), "classes": ("collapse",)}),
        (
            _("Check"),
            {"fields": ("checked", "problem_code", "check_shown"), "classes": ("collapse",)},
        ),
    )
    notes_shown = json_field("notes", _("notes"))
    description_shown = json_field("description", _("structure"))
    check_shown = json_field("check_report", _("what the check found"))
    checked = time_field("checked_at", _("checked"))
    loaded = time_field("loaded_at", _("loaded"))
    about = plain_field("text", _("description"))

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Return the list with each row told whether its files changed; one look for all."""
        found = super().get_changelist_instance(request)
        rows = list(found.result_list)
        changed = graphs.changed_projects(rows)
        for row in rows:
            row.is_changed = row.project in changed
        found.result_list = rows
        return found

    @admin.display(description=_("status"), ordering="status")
    def state(self, row: Graph) -> str:
        """Show whether the graph can run."""
        return badge(row.status)

    @admin.display(description=_("source"))
    def source(self, row: Graph) -> str:
        """Say whether the files are those that were loaded."""
        is_changed = getattr(row, "is_changed", None)
        if is_changed is None:
            is_changed = row.project in graphs.changed_projects([row])
        if is_changed:
            return _t("Changed since it was loaded: restart to use it")
        return _t("As loaded")


@admin.register(Thread)
class ThreadAdmin(ProtectedAdmin):
    """The threads a person may see, each with its runs, questions and checkpoints."""

    list_display = ("shown_title", "state", "graph", "owner", "ran", "updated")
    list_filter = (
        "status",
        ("graph", admin.RelatedOnlyFieldListFilter),
        ("owner", admin.RelatedOnlyFieldListFilter),
    )
    list_select_related = ("graph", "owner")
    search_fields = ("public_id", "title")
    ordering = ("-updated_at", "-id")
    change_form_template = "admin/threads_app/thread/detail.html"
    fieldsets = (
        (None, {"fields": ("public_id", "title", "state", ("graph", "owned_by"))}),
        (_("Times"), {"fields": (("created", "updated", "state_updated"),)}),
        (_("Labels"), {"fields": ("tags_shown",)}),
    )
    state_fieldsets = (
        (None, {"fields": ("error",)}),
        (
            _("State"),
            {
                "fields": ("metadata_shown", "config_shown", "values_shown"),
                "classes": ("collapse",),
            },
        ),
    )
    created = time_field("created_at", _("created"))
    updated = time_field("updated_at", _("last activity"))
    state_updated = time_field("state_updated_at", _("state changed"))
    ran = plain_field("run_count", _("runs"))
    tags_shown = json_field("tags", _("tags"))
    metadata_shown = json_field("metadata", _("metadata"))
    config_shown = json_field("config", _("config"))
    values_shown = json_field("values_preview", _("values (preview)"))

    @admin.display(description=_("thread"), ordering="title")
    def shown_title(self, row: Thread) -> str:
        """Show the title with the id, since titles repeat."""
        return format_html('{} <span class="th-id th-below">{}</span>', row.title, row.public_id)

    @admin.display(description=_("status"), ordering="status")
    def state(self, row: Thread) -> str:
        """Show what the thread is doing."""
        return badge(row.status)

    @admin.display(description=_("owner"))
    def owned_by(self, row: Thread) -> str:
        """Show the name alone: accounts are the administrators' pages."""
        return row.owner.get_username()

    def get_urls(self) -> list[URLPattern]:
        """Return the list, and the pages of one thread."""
        return [*urls.patterns(self.admin_site), *super().get_urls()]

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> Any:
        """Lead from the list's links to the thread's page."""
        return redirect("admin:threads_app_thread_live", object_id)


@admin.register(Run)
class RunAdmin(ProtectedAdmin):
    """The runs of the threads a person may see."""

    list_display = ("public_id", "state", "graph", "shown_thread", "created", "took")
    list_filter = ("status", ("graph", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("graph", "thread")
    search_fields = ("public_id", "thread__public_id", "thread__title")
    ordering = ("-id",)
    actions = ("cancel",)
    fieldsets = (
        (None, {"fields": ("public_id", "state", ("shown_thread", "graph", "started_by"))}),
        (_("Error"), {"fields": (("error_kind", "error_class"),)}),
        (_("Times"), {"fields": (("created", "started", "finished"), ("took", "due", "deadline"))}),
        (
            _("Execution"),
            {"fields": (("attempt", "crashes"), ("worker", "lease", "cancel_requested"))},
        ),
        (_("Usage"), {"fields": ("usage_shown",)}),
    )
    state_fieldsets = (
        (None, {"fields": ("error_message",)}),
        (
            _("Order"),
            {
                "fields": (
                    "metadata_shown",
                    "input_shown",
                    "command_shown",
                    "config_shown",
                    "context_shown",
                    "options_shown",
                    ("strategy", "durability"),
                )
            },
        ),
    )
    created = time_field("created_at", _("created"))
    started = time_field("started_at", _("started"))
    finished = time_field("finished_at", _("ended"))
    due = time_field("due_at", _("not before"))
    deadline = time_field("deadline_at", _("at the latest"))
    worker = plain_field("owner", _("worker"))
    lease = time_field("lease_until", _("lease until"))
    cancel_requested = time_field("cancel_requested_at", _("cancel asked for"))
    usage_shown = json_field("usage", _("usage"))
    metadata_shown = json_field("metadata", _("metadata"))
    input_shown = json_field("input", _("input"))
    command_shown = json_field("command", _("command"))
    config_shown = json_field("config", _("config"))
    context_shown = json_field("context", _("context"))
    options_shown = json_field("options", _("options"))

    def get_fieldsets(self, request: HttpRequest, obj: Run | None = None) -> Any:
        """Return the fields, those of an error only where there is one."""
        found = super().get_fieldsets(request, obj)
        if obj is None or obj.error_class:
            return found
        return [fieldset for fieldset in found if not _is_about_error(fieldset[1]["fields"])]

    @admin.display(description=_("status"), ordering="status")
    def state(self, row: Run) -> str:
        """Show how far the run is."""
        return badge(row.status)

    @admin.display(description=_("thread"))
    def shown_thread(self, row: Run) -> str:
        """Show the thread with a link to it."""
        address = reverse("admin:threads_app_thread_change", args=[row.thread_id])
        return format_html('<a href="{}">{}</a>', address, row.thread)

    @admin.display(description=_("started by"))
    def started_by(self, row: Run) -> str:
        """Show who ordered the run."""
        return row.actor.get_username()

    @admin.display(description=_("seconds"))
    def took(self, row: Run) -> str:
        """Show how long the run took, from its first start."""
        if row.started_at is None or row.finished_at is None:
            return "–"
        return f"{(row.finished_at - row.started_at).total_seconds():.1f}"

    def has_execute_permission(self, request: HttpRequest) -> bool:
        """Say whether the person finds the action; each run is asked about by itself."""
        return self.has_view_permission(request)

    @admin.action(permissions=["execute"], description=_("Cancel the selected runs"))
    def cancel(self, request: HttpRequest, queryset: RunQuerySet) -> None:
        """Ask each selected run to stop, where the person may, and report the counts."""
        allowed = queryset.visible_to(request.user, "execute")
        waiting = list(allowed.active().order_by("id"))
        ended = allowed.count() - len(waiting)
        stopped = sum(_cancel(run, request.user) for run in waiting)
        self._report(request, stopped=stopped, ended=ended + len(waiting) - stopped)

    def _report(self, request: HttpRequest, *, stopped: int, ended: int) -> None:
        text = ngettext("%d run is asked to stop.", "%d runs are asked to stop.", stopped)
        level = messages.SUCCESS if stopped else messages.WARNING
        self.message_user(request, text % stopped, level)
        if ended:
            text = ngettext("%d run has ended already.", "%d runs have ended already.", ended)
            self.message_user(request, text % ended, messages.WARNING)


def _is_about_error(fields: Any) -> bool:
    return all(name.startswith("error_") for name in flatten(fields))


def _cancel(run: Run, user: Any) -> bool:
    try:
        runs.cancel(run=run, actor=user, now=clock.now())
    except NotVisible:
        # It ended between the page and the click.
        return False
    return True

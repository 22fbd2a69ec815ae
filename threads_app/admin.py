"""The admin pages of graphs, threads and runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.http import Http404
from django.shortcuts import redirect
from django.urls import URLPattern, reverse
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from threadhub.kernel import clock
from threadhub.kernel.adminbase import ProtectedAdmin, ReadOnlyAdmin, marks
from threadhub.kernel.errors import NotVisible
from threads_app.models import Graph, Run, Thread
from threads_app.services import graphs, runs
from threads_app.web import urls
from threads_app.web.listing import ThreadList

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse
    from django.utils.safestring import SafeString

    from threads_app.querysets import RunQuerySet


OF_GRAPH = ("graph__description", "graph__check_report", "graph__notes")


@admin.register(Graph)
class GraphAdmin(ReadOnlyAdmin):
    """What the installation can run; for everyone who may sign in here."""

    title = _("Graphs")
    icon = "graphs"
    empty_title = _("No graphs yet")
    empty_text = _("Graphs come from the projects that the setting PROJECTS names.")
    list_display = ("name", "status", "project", "form", "source", "text", "loaded_at")
    column_sizes = {
        "project": "sm",
        "form": "lg",
        "source": "md",
        "text": "xl",
        "loaded_at": "md",
    }
    number_columns = frozenset({"loaded_at"})
    labels = {
        "name": _("graph"),
        "status": _("status"),
        "project": _("project"),
        "form": _("form"),
        "text": _("description"),
        "problem": _("problem"),
        "problem_code": _("code of the problem"),
        "notes": _("notes"),
        "target": _("target"),
        "loaded_at": _("loaded"),
        "import_seconds": _("seconds to import"),
        "assistant_id": _("assistant id"),
        "fingerprint": _("fingerprint"),
        "revision": _("revision"),
        "description": _("structure"),
        "checked_at": _("checked"),
        "check_report": _("what the check found"),
    }
    unread = ("description", "check_report", "notes")
    list_filter = ("status",)
    search_fields = ("name", "project")
    search_help_text = _("Graph or project")
    ordering = ("name",)
    parts = (
        (_("About"), ("text", "source", "problem", "notes")),
        (_("Origin"), ("project", "target", "form", "loaded_at", "import_seconds")),
        (_("Identity"), ("assistant_id", "fingerprint", "revision")),
        (_("Structure"), ("description",)),
        (_("Check"), ("checked_at", "problem_code", "check_report")),
    )
    folded = (_("Structure"), _("Check"))

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Return the list with each row told whether its files changed; one look for all."""
        found = super().get_changelist_instance(request)
        changed = graphs.changed_projects(found.result_list)
        for row in found.result_list:
            row.is_changed = row.project in changed
        return found

    def note_of(self, row: Graph) -> str:
        """Say where it comes from, where the column has gone."""
        return row.project

    def detail(self, request: HttpRequest, row: Graph) -> dict[str, Any]:
        """Return the graph's status for the head."""
        return {"status": marks.badge(row.status, classes="badge--lg")}

    @admin.display(description=_("source"))
    def source(self, row: Graph) -> SafeString | str:
        """Say whether the files are those that were loaded."""
        is_changed = getattr(row, "is_changed", None)
        if is_changed is None:
            is_changed = row.project in graphs.changed_projects([row])
        if is_changed:
            text = gettext("Changed since it was loaded: restart to use it")
            return format_html('<span class="st is-waiting">{}</span>', text)
        return gettext("As loaded")


@admin.register(Thread)
class ThreadAdmin(ThreadList, ProtectedAdmin):
    """The threads a person may see, each with its runs, questions and checkpoints."""

    unread = OF_GRAPH

    def get_urls(self) -> list[URLPattern]:
        """Return the list, and the pages of one thread."""
        return [*urls.patterns(self.admin_site), *super().get_urls()]

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> Any:
        """Lead to the thread's page. Raises Http404 for what is no key."""
        if not (object_id.isascii() and object_id.isdecimal()):
            raise Http404
        return redirect("admin:threads_app_thread_live", object_id)


@admin.register(Run)
class RunAdmin(ProtectedAdmin):
    """The runs of the threads a person may see."""

    title = pgettext_lazy("ThreadHub", "Runs")
    icon = "play"
    empty_title = _("Nothing has run yet")
    empty_text = _("A run is one execution on a thread.")
    list_display = ("run", "status", "graph", "actor", "created_at", "took")
    column_sizes = {"graph": "sm", "actor": "md", "created_at": "sm", "took": "lg"}
    number_columns = frozenset({"created_at", "took"})
    # Ids grow with time, and no other order has an index.
    orders = {"created_at": "id"}
    sortable_by = ("created_at",)
    labels = {
        "public_id": _("id"),
        "status": _("status"),
        "graph": _("graph"),
        "actor": _("started by"),
        "error_kind": _("kind of error"),
        "error_class": _("class of error"),
        "error_message": _("message"),
        "created_at": _("created"),
        "started_at": _("started"),
        "finished_at": _("ended"),
        "due_at": _("not before"),
        "deadline_at": _("at the latest"),
        "attempt": _("attempts"),
        "crashes": _("crashes"),
        "owner": _("worker"),
        "lease_until": _("lease until"),
        "cancel_requested_at": _("cancel asked for"),
        "usage": _("usage"),
        "metadata": _("metadata"),
        "input": _("input"),
        "command": _("command"),
        "config": _("config"),
        "context": _("context"),
        "options": _("options"),
        "strategy": _("strategy"),
        "durability": _("durability"),
    }
    list_filter = ("status", "graph")
    list_select_related = ("graph", "thread", "actor")
    unread = (
        *("input", "command", "config", "context", "options", "metadata", "usage"),
        *("thread__metadata", "thread__config", "thread__values_preview"),
        *OF_GRAPH,
    )
    search_fields = ("public_id", "thread__public_id", "thread__title")
    search_help_text = _("Thread, or id of the run")
    ordering = ("-id",)
    actions = ("cancel",)
    parts = (
        (_("About"), ("public_id", "thread_link", "graph", "actor")),
        (_("Times"), ("created_at", "started_at", "finished_at", "took", "due_at", "deadline_at")),
        (_("Execution"), ("attempt", "crashes", "owner", "lease_until", "cancel_requested_at")),
        (_("Usage"), ("usage",)),
    )
    error_part = (_("Error"), ("error_kind", "error_class"))
    state_parts = (
        (
            _("Order"),
            (
                "input",
                "command",
                "config",
                "context",
                "metadata",
                "options",
                "strategy",
                "durability",
            ),
        ),
    )

    def parts_of(self, request: HttpRequest, row: Run) -> Any:
        """Return the parts, that of an error only where there is one."""
        about, *others = super().parts_of(request, row)
        if not row.error_class:
            return (about, *others)
        title, names = self.error_part
        may_read = len(others) == len(self.parts)
        return (about, (title, (*names, "error_message") if may_read else names), *others)

    def detail(self, request: HttpRequest, row: Run) -> dict[str, Any]:
        """Return the run's status for the head, and the way back to its thread."""
        lists = (reverse(self.list_view()), self.title)
        thread = (reverse("admin:threads_app_thread_live", args=[row.thread_id]), row.thread)
        return {
            "title": str(row)[:8],
            "crumbs": [lists, thread],
            "status": marks.badge(row.status, classes="badge--lg"),
        }

    @admin.display(description=_("run of the thread"))
    def run(self, row: Run) -> SafeString:
        """Show whose run it is, with the beginning of its id, since threads run often."""
        begin = str(row.public_id)[:8]
        return format_html('{}&nbsp;<span class="mono faint">{}</span>', row.thread, begin)

    def note_of(self, row: Run) -> SafeString:
        """Say when it began, where the column has gone."""
        return marks.ago(row.created_at)

    @admin.display(description=_("thread"))
    def thread_link(self, row: Run) -> SafeString:
        """Show the thread with a link to it."""
        address = reverse("admin:threads_app_thread_live", args=[row.thread_id])
        return format_html('<a class="link" href="{}">{}</a>', address, row.thread)

    @admin.display(description=_("took"))
    def took(self, row: Run) -> str:
        """Show how long the run took, from its first start."""
        if row.started_at is None or row.finished_at is None:
            return "–"
        return marks.duration((row.finished_at - row.started_at).total_seconds())

    def has_execute_permission(self, request: HttpRequest) -> bool:
        """Say whether the person finds the action; each run is asked about by itself."""
        return self.has_view_permission(request)

    @admin.action(permissions=["execute"], description=_("Cancel runs"))
    def cancel(self, request: HttpRequest, queryset: RunQuerySet) -> HttpResponse:
        """Ask each selected run to stop, where the person may, and report the counts."""
        allowed = queryset.visible_to(request.user, "execute")
        waiting = list(allowed.active().order_by("id"))
        ended = allowed.count() - len(waiting)
        stopped = sum(_cancel(run, request.user) for run in waiting)
        self._report(request, stopped=stopped, ended=ended + len(waiting) - stopped)
        return redirect(request.get_full_path())

    def _report(self, request: HttpRequest, *, stopped: int, ended: int) -> None:
        text = ngettext("%d run is asked to stop.", "%d runs are asked to stop.", stopped)
        level = messages.SUCCESS if stopped else messages.WARNING
        self.message_user(request, text % stopped, level)
        if ended:
            text = ngettext("%d run has ended already.", "%d runs have ended already.", ended)
            self.message_user(request, text % ended, messages.WARNING)


def _cancel(run: Run, user: Any) -> bool:
    try:
        runs.cancel(run=run, actor=user, now=clock.now())
    except NotVisible:
        # It ended between the page and the click.
        return False
    return True

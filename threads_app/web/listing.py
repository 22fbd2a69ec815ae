"""The list of threads: its columns, filters, views and what can be done to many at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import Exists, OuterRef, Q
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from threadhub.kernel import clock
from threadhub.kernel.adminbase import ListAdmin, marks
from threadhub.kernel.rbac.held import views_everything
from threadhub.kernel.searching import HasItem
from threads_app.models import Graph, Thread
from threads_app.selectors import interrupts

from . import asked, bulk

if TYPE_CHECKING:
    from django.db import models
    from django.http import HttpRequest, HttpResponse
    from django.utils.safestring import SafeString

    from threads_app.querysets import ThreadQuerySet

OWNERS = 50
WHY = 120
LARGE = ("metadata", "config", "values_preview")
# What the floors above know of threads: title and address by the thread's key, for one page.
Sessions = Callable[[Any, Sequence[int]], Mapping[int, tuple[str, str]]]
sessions_of: list[Sessions] = []

AGES = {
    "1h": (_("past hour"), timedelta(hours=1)),
    "24h": (_("past 24 hours"), timedelta(days=1)),
    "7d": (_("past 7 days"), timedelta(days=7)),
    "30d": (_("past 30 days"), timedelta(days=30)),
}


class ActiveSince(admin.SimpleListFilter):
    """When something happened last."""

    title = _("active")
    parameter_name = "active"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the ages to choose from."""
        return [(name, text) for name, (text, _age) in AGES.items()]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Narrow the list."""
        if (chosen := AGES.get(self.value() or "")) is None:
            return queryset
        return queryset.filter(updated_at__gte=clock.now() - chosen[1])


class OfGraph(admin.SimpleListFilter):
    """By the graph's name; all there are are offered, which costs no look at the threads."""

    title = _("graph")
    parameter_name = "graph"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the names."""
        names = Graph.objects.order_by("name").values_list("name", flat=True)
        return [(name, name) for name in names]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Narrow the list, by a key that stands in the threads' own index."""
        if not self.value():
            return queryset
        key = Graph.objects.filter(name=self.value()).values_list("pk", flat=True).first()
        return queryset.filter(graph_id=key) if key else queryset.none()


class OfOwner(admin.SimpleListFilter):
    """By the owner's name; people are offered to those who see everybody's threads."""

    title = _("owner")
    parameter_name = "owner"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the people; for others, looking whose threads they see would cost too much."""
        wanted = (request.GET.get(self.parameter_name) or "")[:150].replace("\x00", "")
        if not views_everything(request.user):
            return [(wanted, wanted)] if wanted else []
        seen = Thread.objects.visible_to(request.user, "view").filter(owner=OuterRef("pk"))
        people = get_user_model()._default_manager.filter(Exists(seen)).order_by("username")
        return [(row.get_username(), marks.name_of(row)) for row in people[:OWNERS]]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Narrow the list."""
        return queryset.filter(owner__username=self.value()) if self.value() else queryset


class Mine(admin.SimpleListFilter):
    """The person's own threads."""

    title = _("whose")
    parameter_name = "mine"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the one choice."""
        return [("yes", _("mine"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Narrow the list."""
        return queryset.filter(owner=request.user) if self.value() == "yes" else queryset


class Tagged(admin.SimpleListFilter):
    """By a tag, which links on tags give."""

    title = _("tag")
    parameter_name = "tag"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the tag that is asked for; looking for all there are would cost too much."""
        wanted = request.GET.get(self.parameter_name, "")[:255].replace("\x00", "")
        return [(wanted, wanted)] if wanted else []

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Narrow the list."""
        return queryset.filter(HasItem("tags", wanted)) if (wanted := self.value()) else queryset


class ThreadList(ListAdmin):
    """What the admin of threads shows as a list."""

    title = _("Threads")
    icon = "threads"
    add_text = _("New thread")
    empty_title = _("No threads yet")
    empty_text = _("A thread is one line of state of one graph.")
    list_display = (
        "name", "status", "why", "graph", "session", "owner", "run_count", "updated_at"
    )  # fmt: skip
    column_sizes = {
        "why": "xl",
        "graph": "sm",
        "session": "lg",
        "owner": "md",
        "run_count": "lg",
        "updated_at": "sm",
    }
    number_columns = frozenset({"run_count", "updated_at"})
    orders = {"graph": "graph__name"}
    labels = {
        "status": _("status"),
        "graph": _("graph"),
        "owner": _("owner"),
        "run_count": _("runs"),
        "updated_at": _("last activity"),
    }
    list_filter = ("status", OfGraph, OfOwner, ActiveSince, Mine, Tagged)
    list_select_related = ("graph", "owner")
    search_fields = ("title", "^public_id")
    search_help_text = _("Title, id or tag")
    ordering = ("-updated_at", "-id")
    actions = ("cancel_runs", "delete_threads")

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Allow what the page's own filters ask for, and no other column of the row."""
        own = {each.parameter_name for each in self.list_filter if not isinstance(each, str)}
        return lookup in own | {"status__exact"}

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Everybody who may sign in may make a thread of their own, as over the API."""
        return request.user.is_active

    def has_execute_permission(self, request: HttpRequest) -> bool:
        """Say whether the person finds the action; each thread is asked about by itself."""
        return request.user.is_active

    has_remove_permission = has_execute_permission

    def list_tabs(self, asked: Mapping[str, str]) -> list[tuple[Any, Mapping[str, str]]]:
        """Return the ready-made views: the words and the parameters of each."""
        return [
            (_("All"), {}),
            (_("Waiting"), {"status__exact": "interrupted"}),
            (_("Failed"), {"status__exact": "error"}),
            (_("Running"), {"status__exact": "busy"}),
            (_("Owned by me"), {"mine": "yes"}),
        ]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        """Return the rows without the columns that no list shows."""
        return super().get_queryset(request).defer(*LARGE)

    def get_search_results(
        self, request: HttpRequest, queryset: Any, search_term: str
    ) -> tuple[Any, bool]:
        """Find threads by a part of the title, the beginning of the id, or a whole tag."""
        for word in search_term.replace("\x00", "").split()[:8]:
            has_word = Q(title__icontains=word) | Q(public_id__istartswith=word)
            queryset = queryset.filter(has_word | Q(HasItem("tags", word)))
        return queryset, False

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Return the list with each row told why it is as it is, and its session."""
        found = super().get_changelist_instance(request)
        found.result_list = list(found.result_list)
        tell(request.user, found.result_list)
        return found

    @admin.display(description=_("thread"), ordering="title")
    def name(self, row: Thread) -> SafeString | str:
        """Show the title with the end of the id, since titles repeat and ids begin alike."""
        if not row.title:
            return row.public_id
        known = (row.title, row.public_id, row.public_id[-8:])
        return format_html(
            '{} <span class="faint mono small cell-id" title="{}">…{}</span>', *known
        )

    @admin.display(description=_("why"))
    def why(self, row: Any) -> SafeString | str:
        """Show the error or the question, to those who may read the thread."""
        text = getattr(row, "why_text", "")
        return format_html('<span class="muted truncate why-cell">{}</span>', text) if text else ""

    @admin.display(description=_("session"))
    def session(self, row: Any) -> SafeString | str:
        """Show the session the thread belongs to, with a link."""
        found = getattr(row, "in_session", None)
        if found is None:
            return ""
        return format_html('<a class="link--quiet" href="{1}">{0}</a>', *found)

    def note_of(self, row: Thread) -> SafeString:
        """Say when it changed, where the column has gone."""
        return marks.ago(row.updated_at)

    def address_of(self, row: Thread) -> str:
        """Return the address of the thread's page."""
        return reverse("admin:threads_app_thread_live", args=[row.pk])

    @admin.action(permissions=["execute"], description=_("Cancel runs"))
    def cancel_runs(self, request: HttpRequest, queryset: ThreadQuerySet) -> None:
        """Ask the runs of the selected threads to stop, where the person may."""
        bulk.cancel(request, queryset)

    @admin.action(permissions=["remove"], description=_("Delete…"))
    def delete_threads(self, request: HttpRequest, queryset: ThreadQuerySet) -> HttpResponse | None:
        """Ask first, then have an operation delete the selected threads."""
        return bulk.delete(request, queryset)


def tell(user: Any, rows: Sequence[Any]) -> None:
    """Note on the rows of one page why they are as they are, and their sessions; 3 queries."""
    keys = [row.pk for row in rows]
    explained = [row.pk for row in rows if row.status in {"interrupted", "error"}]
    readable: set[int] = set()
    if explained:
        read = Thread.objects.visible_to(user, "read").filter(pk__in=explained)
        readable = set(read.values_list("pk", flat=True))
    told = [row for row in rows if row.pk in readable]
    questions = interrupts.waiting(told)
    for row in told:
        waits = questions.get(row.pk)
        row.why_text = (asked.asked(waits[0].value) if waits else row.error)[:WHY]
    for sessions in sessions_of:
        found = sessions(user, keys)
        for row in rows:
            row.in_session = found.get(row.pk)

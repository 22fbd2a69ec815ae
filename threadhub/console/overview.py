"""The first page: what needs a person, and how things go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.admin import site
from django.core.exceptions import PermissionDenied
from django.http import HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views import View

from threadhub.kernel import clock
from threadhub.kernel.audit.models import AuditEntry
from threadhub.kernel.errors import ThreadHubError
from threadhub.kernel.operations.models import Operation
from threadhub.kernel.rbac.held import views_everything
from threadhub.ops import demo, standing
from threads_app.models import Interrupt, Run, Thread
from threads_app.selectors import activity
from threads_app.web import asked

from . import charts, inbox, memberships

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse
    from django.utils.functional import Promise

    from threads_app.selectors.activity import Reach, Slice

QUESTIONS, FAILURES, RUNNING, GRAPHS, ACTS, JOBS = 5, 5, 8, 8, 6, 5
# Counting further would cost more than anyone learns from it.
COUNTED = 1000
LOOKED_AT = 5_000
# A run is called slow from so many times the usual on, where that is known from enough runs.
SLOW, KNOWN, SLOW_SECONDS = 4, 5, 60
WENT_WELL = frozenset({"success", "interrupted"})


@dataclass(frozen=True, slots=True)
class Window:
    """How far back the page looks, and the length of one bar of its chart."""

    name: str
    text: Promise
    heading: Promise
    length: timedelta
    period: timedelta
    precision: int
    form: str


WINDOWS = {
    window.name: window
    for window in (
        Window("1h", _("1 h"), _("Runs, each 5 minutes"), timedelta(hours=1),
               timedelta(minutes=5), activity.MINUTE, "%H:%M"),
        Window("24h", _("24 h"), _("Runs per hour"), timedelta(days=1),
               timedelta(hours=1), activity.HOUR, "%H:%M"),
        Window("7d", _("7 d"), _("Runs, each 6 hours"), timedelta(days=7),
               timedelta(hours=6), activity.HOUR, "%m-%d"),
        Window("30d", _("30 d"), _("Runs per day"), timedelta(days=30),
               timedelta(days=1), activity.DAY, "%m-%d"),
    )
}  # fmt: skip


class OverviewPage(View):
    """The page at the console's own address."""

    def get(self, request: HttpRequest) -> TemplateResponse:
        """Show what needs the person first, then counts, runs, graphs, jobs and acts."""
        now, user = clock.now(), request.user
        window = WINDOWS.get(request.GET.get("window", ""), WINDOWS["24h"])
        since = _begin(window, now)
        threads = Thread.objects.visible_to(user, "view")
        runs = Run.objects.visible_to(user, "view")
        within, graphs = activity.reach(since=since), activity.names()
        counted = activity.counted(
            threads, within=within, precision=window.precision, graphs=graphs
        )
        slowness = activity.slowness(threads, within=within, graphs=graphs)
        working = list(activity.running(runs, limit=RUNNING))
        context = {
            **site.each_context(request),
            "title": gettext("Overview"),
            "window": window,
            "windows": WINDOWS.values(),
            **_needs(user, since, working, slowness, now),
            "stats": _stats(user, within, counted, window),
            "working": [(run, _seconds(run, now)) for run in working],
            **_chart(counted, window, now),
            "is_cut": within.is_cut,
            "counted": activity.COUNTED,
            "graphs": _graphs(counted, slowness),
            "jobs": _jobs(user),
            "system": standing.facts(now=now) if user.is_staff or user.is_superuser else [],
            "acts": _acts(user),
            **_first_steps(user, counted),
        }
        return TemplateResponse(request, "console/overview.html", context)


class DemoPage(View):
    """The button that starts the demo session."""

    def post(self, request: HttpRequest) -> HttpResponse:
        """Start it and lead to it; where it cannot run, say why."""
        if not request.user.is_active:
            raise PermissionDenied
        try:
            if not demo.is_installed():
                raise demo.DemoMissing(gettext("The demo graphs are not installed, or cannot run."))
            plan = demo.start(actor=request.user)
        except ThreadHubError as error:
            messages.error(request, error.message)
            return HttpResponseRedirect(reverse("admin:index"), status=303)
        messages.success(request, gettext("The demo session runs. It will ask you something."))
        address = reverse("admin:sessions_app_session_change", args=[plan.session_id])
        return HttpResponseRedirect(address, status=303)


def _begin(window: Window, now: datetime) -> datetime:
    """Return when the first bar begins; the last one is still open."""
    seconds = int(window.period.total_seconds())
    last = datetime.fromtimestamp(int(now.timestamp()) // seconds * seconds, UTC)
    return last - window.length + window.period


def _needs(
    user: Any,
    since: datetime,
    working: list[Run],
    slowness: dict[str, tuple[float, int]],
    now: datetime,
) -> dict[str, Any]:
    """Return questions, failed threads and runs that take much longer than others."""
    # The keys first: sorting all questions with all that is shown of them takes much longer.
    seen = Interrupt.objects.visible_to(user, "view").open().order_by("pk")
    keys = list(seen.values_list("pk", flat=True)[:QUESTIONS])
    rows = asked.waiting(user, seen.filter(pk__in=keys))
    cards = asked.cards(user, rows, back=reverse("admin:index"))
    told = Thread.objects.visible_to(user, "view", telling="read")
    failed = told.filter(status=Thread.Status.ERROR, updated_at__gte=since)
    failed = failed.select_related("graph").defer("values_preview", "metadata", "config")
    slow = [
        (run, _seconds(run, now), slowness[run.graph.name][0])
        for run in working
        if _is_slow(_seconds(run, now), slowness.get(run.graph.name))
    ]
    return {
        "cards": cards,
        "sessions": memberships.of(user, [card.question.thread_id for card in cards]),
        "failed": list(failed.order_by("-updated_at", "-id")[:FAILURES]),
        "slow": slow,
        "waiting_count": inbox.open_count(user),
    }


def _is_slow(seconds: float, usual: tuple[float, int] | None) -> bool:
    if usual is None or usual[1] < KNOWN:
        return False
    return seconds > max(SLOW * usual[0], SLOW_SECONDS)


def _seconds(run: Run, now: datetime) -> float:
    return max((now - (run.started_at or run.created_at)).total_seconds(), 0.0)


def _stats(user: Any, within: Reach, counted: list[Slice], window: Window) -> list[dict[str, Any]]:
    """Return the counters, each with the list it counts."""
    threads = Thread.objects.visible_to(user, "view")
    runs = Run.objects.visible_to(user, "view")
    lists = {
        "threads": reverse("admin:threads_app_thread_changelist"),
        "runs": reverse("admin:threads_app_run_changelist"),
    }
    busy, waiting, failed, idle, pending = activity.capped(
        threads.filter(status="busy"),
        threads.filter(status="interrupted"),
        threads.filter(status="error", updated_at__gte=within.since),
        threads.filter(status="idle"),
        runs.active().filter(status="pending"),
        cap=COUNTED,
    )
    done = sum(each.count for each in counted if each.status == "success")
    return [
        _stat("running", gettext("Running"), _shown(busy),
              f"{lists['threads']}?status__exact=busy", gettext("threads now")),
        _stat("waiting", gettext("Waiting"), _shown(waiting),
              f"{lists['threads']}?status__exact=interrupted", gettext("threads now")),
        _stat("error", gettext("Failed"), _shown(failed),
              f"{lists['threads']}?status__exact=error&active={window.name}",
              gettext("threads in the window")),
        _stat("success", gettext("Done"), gettext("over %d") % done if within.is_cut else str(done),
              f"{lists['runs']}?status__exact=success", gettext("runs in the window")),
        _stat("pending", gettext("Pending"), _shown(pending),
              f"{lists['runs']}?status__exact=pending", gettext("runs now")),
        _stat("idle", gettext("Idle"), _shown(idle),
              f"{lists['threads']}?status__exact=idle", gettext("threads now")),
    ]  # fmt: skip


def _stat(look: str, label: str, value: str, address: str, note: str) -> dict[str, str]:
    return {
        "picture": f"s-{look}",
        "classes": f"icon icon--sm st-mk is-{look}",
        "label": label,
        "value": value,
        "address": address,
        "note": note,
    }


def _shown(count: int) -> str:
    return f"{COUNTED:,}+".replace(",", "\u202f") if count > COUNTED else str(count)


def _chart(counted: list[Slice], window: Window, now: datetime) -> dict[str, Any]:
    begin = _begin(window, now)
    number = int(window.length / window.period)
    well, failed = [0] * number, [0] * number
    for each in counted:
        place = int((each.period - begin) / window.period)
        if 0 <= place < number and each.status in WENT_WELL | activity.FAILED:
            kept = failed if each.status in activity.FAILED else well
            kept[place] += each.count
    periods = [
        charts.Period(localtime(begin + window.period * place), well[place], failed[place])
        for place in range(number)
    ]
    return {
        "chart": charts.bars(periods, form=window.form),
        "finished_count": sum(well),
        "failed_count": sum(failed),
    }


def _graphs(counted: list[Slice], slowness: dict[str, tuple[float, int]]) -> list[dict[str, Any]]:
    """Return the graphs that ran, the slowest first."""
    found: dict[str, dict[str, Any]] = {}
    for each in counted:
        row = found.setdefault(each.graph, {"name": each.graph, "runs": 0, "ended": 0, "failed": 0})
        row["runs"] += each.count
        row["ended"] += each.count * (each.status in WENT_WELL | activity.FAILED)
        row["failed"] += each.count * (each.status in activity.FAILED)
    for row in found.values():
        row["p95"] = slowness.get(row["name"], (None, 0))[0]
        row["share"] = f"{100 * row['failed'] / row['ended']:.1f} %" if row["failed"] else "–"
    return sorted(found.values(), key=lambda row: -(row["p95"] or 0))[:GRAPHS]


def _jobs(user: Any) -> list[Operation]:
    active = Operation.objects.visible_to(user, "view").filter(state__in=["pending", "running"])
    return list(active.order_by("-pk")[:JOBS])


def _acts(user: Any) -> list[AuditEntry]:
    """Return what people did last, for those who may see everybody's acts; 2 queries."""
    if not views_everything(user):
        return []
    latest = AuditEntry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    # Runs leave many entries of their own, which come from no address.
    near = AuditEntry.objects.filter(pk__gt=latest - LOOKED_AT, address__isnull=False)
    return list(near.select_related("actor").order_by("-pk")[:ACTS])


def _first_steps(user: Any, counted: list[Slice]) -> dict[str, Any]:
    """Return what an empty page offers; nothing where there is something to see."""
    if counted or Thread.objects.visible_to(user, "view").exists():
        return {"is_empty": False}
    return {"is_empty": True, "has_demo": demo.is_installed()}

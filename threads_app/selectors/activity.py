"""What ran lately, from as many of the latest runs as a page can afford to look at."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import Permission
from django.db.models import CharField, Count, F, IntegerField, Subquery
from django.db.models.functions import Cast, Substr

from threads_app.models import Graph, Run

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from threads_app.querysets import RunQuerySet, ThreadQuerySet

# Of the latest runs, those that are counted, and those whose times are compared.
COUNTED = 10_000
TIMED = 1_000
FAILED = frozenset({"error", "timeout"})
# A time as text, to the minute, the hour or the day, as both databases write it.
MINUTE, HOUR, DAY = 16, 13, 10
_FORMATS = {MINUTE: "%Y-%m-%d %H:%M", HOUR: "%Y-%m-%d %H", DAY: "%Y-%m-%d"}


@dataclass(frozen=True, slots=True)
class Slice:
    """How many runs of one graph that began in one period are in one status."""

    period: datetime
    graph: str
    status: str
    count: int


@dataclass(frozen=True, slots=True)
class Reach:
    """Which runs are looked at. `is_cut`: those between `since` and `after` are not."""

    since: datetime
    after: int
    is_cut: bool

    def of(self, threads: ThreadQuerySet) -> RunQuerySet:
        """Return the runs of these threads that are in reach, in no order.

        The sum keeps databases from going through all runs of those threads by their index,
        which may be very many, when only the latest runs are asked for.
        """
        found = Run.objects.filter(pk__gt=self.after, created_at__gte=self.since).order_by()
        if not threads.query.has_filters():
            return found
        thread_key = F("thread_id") + 0
        return found.alias(thread_key=thread_key).filter(thread_key__in=threads.values("pk"))


def reach(*, since: datetime) -> Reach:
    """Return how far back a page may look: some runs of everybody's; 2 queries by key.

    Bounded by the keys of all runs, since looking for somebody's own may lead through them all.
    """
    newest = Run.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    after = newest - COUNTED
    left_out = Run.objects.filter(pk__lte=after).order_by("-pk").values_list("created_at")
    edge = left_out.first() if after > 0 else None
    return Reach(since, after, is_cut=edge is not None and edge[0] >= since)


def names() -> dict[int, str]:
    """Return the names of all graphs, which joined to the runs would lead the way; 1 query."""
    return dict(Graph.objects.values_list("pk", "name"))


def counted(
    threads: ThreadQuerySet, *, within: Reach, precision: int, graphs: dict[int, str]
) -> list[Slice]:
    """Count the runs in reach by period, graph and status; 1 query."""
    period = Substr(Cast("created_at", CharField()), 1, precision)
    rows = within.of(threads).annotate(period=period).values("period", "graph_id", "status")
    return [
        Slice(_moment(row["period"], precision), name, row["status"], row["count"])
        for row in rows.annotate(count=Count("pk"))
        if (name := graphs.get(row["graph_id"]))
    ]


def slowness(
    threads: ThreadQuerySet, *, within: Reach, graphs: dict[int, str]
) -> dict[str, tuple[float, int]]:
    """Return the 95th percentile of the seconds, and of how many runs, by graph; 1 query."""
    ended = within.of(threads).filter(started_at__isnull=False, finished_at__isnull=False)
    rows = ended.order_by("-pk").values_list("graph_id", "started_at", "finished_at")[:TIMED]
    seconds: dict[int, list[float]] = defaultdict(list)
    for graph, started, finished in rows:
        if started is not None and finished is not None:
            seconds[graph].append((finished - started).total_seconds())
    return {
        graphs[graph]: (_percentile(found), len(found))
        for graph, found in seconds.items()
        if graph in graphs
    }


def running(runs: RunQuerySet, *, limit: int) -> RunQuerySet:
    """Return the runs that are executed now, the longest first."""
    found = runs.active().filter(status="running").select_related("thread", "graph", "actor")
    found = found.defer("thread__values_preview", "input", "config", "context", "options")
    return found.order_by(F("started_at").asc(nulls_last=True))[:limit]


def capped(*rows: QuerySet[Any], cap: int) -> list[int]:
    """Count each of these, no further than one above the cap; 1 query."""
    counts = [_Counted(each.order_by().values("pk")[: cap + 1]) for each in rows]
    # Any one row gives the statement something to begin with.
    found = Permission.objects.order_by("pk").values_list(*counts).first()
    return list(found) if found else [0] * len(rows)


class _Counted(Subquery):
    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS counted)"
    output_field = IntegerField()


def _percentile(seconds: list[float]) -> float:
    ranked = sorted(seconds)
    return ranked[min(len(ranked) - 1, int(len(ranked) * 0.95))]


def _moment(text: str, precision: int) -> datetime:
    return datetime.strptime(text, _FORMATS[precision]).replace(tzinfo=UTC)

"""The tab *Live* of a thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.urls import reverse

from threadhub.kernel.observability.redaction import redact_text
from threadhub.kernel.rbac import access
from threads_app.selectors import timelines

from . import asked, drawings, following, lines, spans
from .pages import ThreadPage

if TYPE_CHECKING:
    from django.http import HttpRequest

    from threads_app.models import Run, Thread

    from .following import Followed

FAILED = ("error", "timeout")


class LivePage(ThreadPage):
    """Threads, tab Live: what waits, the graph, the steps and the output of the latest run."""

    tab = "live"
    needs = "view"
    template = "threads/live.html"

    def content(self, request: HttpRequest, thread: Thread) -> dict[str, Any]:
        """Return the parts of the page; outputs only for those who may read."""
        is_told = access.can(request.user, "read", thread)
        run = timelines.latest_run(thread, user=request.user)
        is_deep = request.GET.get("xray") == "1"
        shared: dict[str, Any] = {"run": run, "is_told": is_told, "is_deep": is_deep}
        here = reverse("admin:threads_app_thread_live", args=[thread.pk])
        shared["cards"] = asked.of_thread(request.user, thread, back=here)
        if run is None:
            return shared
        followed = following.follow(run, with_earlier=True)
        return {
            **shared,
            **self._drawn(request, thread, followed, is_deep=is_deep),
            **(self._told(followed) if is_told else {}),
            "failure": failure(run, is_told=is_told),
        }

    def _drawn(
        self, request: HttpRequest, thread: Thread, followed: Followed, *, is_deep: bool
    ) -> dict[str, Any]:
        waits = following.asked(request, thread)
        is_strict = request.GET.get("only") == "error"
        rows = spans.nodes(followed.picture, scale=followed.scale, asked=waits, now=followed.now)
        timeline = reverse("admin:threads_app_thread_timeline", args=[thread.pk])
        run = followed.run
        # The thread's own came with it, drawing and all.
        graph = thread.graph if thread.graph_id == run.graph_id else run.graph
        assert graph is not None
        return {
            "drawing": drawings.of_graph(
                graph,
                followed.picture,
                is_deep=is_deep,
                asked=waits,
                now=followed.now,
                address="#step-",
            ),
            "has_subgraphs": bool(graph.description.get("subgraphs")),
            "rows": [row for row in rows if not is_strict or row["failures"]],
            "is_strict": is_strict,
            "ticks": followed.scale.ticks(),
            "axis": followed.scale.axis(),
            "minimap": spans.minimap(followed.picture, scale=followed.scale),
            "picture": followed.picture,
            "timeline": f"{timeline}?run={run.pk}",
        }

    def _told(self, followed: Followed) -> dict[str, Any]:
        tail = timelines.tail(followed.ids, kinds=lines.KINDS, limit=lines.READ)
        last = tail[-1].seq if tail else 0
        return {"lines": lines.of(tail), "lines_seq": max(last, followed.picture.seq)}


def failure(run: Run, *, is_told: bool) -> dict[str, str] | None:
    """Return what a failed run is told with: its class, and its message to who may read."""
    if run.status not in FAILED:
        return None
    message = redact_text(run.error_message) if is_told else ""
    return {"class": run.error_class, "message": message}

"""How many threads are in which state, and what is running now."""

from __future__ import annotations

from typing import Any

from threadhub.kernel.realtime import Found, Topic
from threads_app.models import Interrupt, Run, Thread

# Above this "1 000+" says enough, and a count costs too much.
COUNTED = 1001
SHOWN = 20


class OverviewTopic(Topic):
    """`overview`: counts of the threads a person sees, their running runs, open questions."""

    name = "overview"
    has_log = False
    families = frozenset({"run", "interrupt", "state", "thread"})

    def find(self, user: Any, argument: str) -> Found:
        """Return the person's own overview."""
        return Found("read")

    def snapshot(self, user: Any, found: Found) -> dict[str, Any]:
        """Return counts up to 1 001; 6 queries beside what the person holds."""
        threads = Thread.objects.visible_to(user, "view")
        counts = {
            status: threads.filter(status=status)[:COUNTED].count()
            for status in Thread.Status.values
        }
        asked = Interrupt.objects.visible_to(user, "view").open()
        running = Run.objects.visible_to(user, "view").filter(status=Run.Status.RUNNING)
        shown = running.select_related("thread", "graph").only(
            "public_id", "started_at", "thread__public_id", "thread__title", "graph__name"
        )
        return {
            "threads": counts,
            "questions": asked[:COUNTED].count(),
            "running": [_shown(run) for run in shown.order_by("-id")[:SHOWN]],
        }


def _shown(run: Run) -> dict[str, Any]:
    return {
        "run_id": str(run.public_id),
        "thread": run.thread.public_id,
        "title": str(run.thread),
        "graph": run.graph.name,
        "started_at": run.started_at,
    }

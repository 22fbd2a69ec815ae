"""The open questions of all threads a person sees."""

from __future__ import annotations

from typing import Any

from threadhub.kernel.realtime import Found, Topic
from threads_app.models import Interrupt

# More are shown as "99+", and read page by page.
COUNTED = 100
SHOWN = 50


class InboxTopic(Topic):
    """`inbox`: how many questions the person may answer, and the oldest of those they see."""

    name = "inbox"
    has_log = False
    families = frozenset({"run", "interrupt", "state", "thread"})

    def find(self, user: Any, argument: str) -> Found:
        """Return the person's own inbox."""
        return Found("read")

    def snapshot(self, user: Any, found: Found) -> dict[str, Any]:
        """Return the count and the oldest questions; 2 queries beside what the person holds."""
        mine = Interrupt.objects.visible_to(user, "execute").open()
        seen = Interrupt.objects.visible_to(user, "view", telling="execute").open()
        seen = seen.select_related("thread", "claimed_by").defer("thread__values_preview")
        oldest = seen.order_by("id")[:SHOWN]
        return {"count": mine[:COUNTED].count(), "items": [_shown(row) for row in oldest]}


def _shown(row: Interrupt) -> dict[str, Any]:
    return {
        "id": row.pk,
        "thread": row.thread.public_id,
        "title": str(row.thread),
        "node": row.node,
        "asked_at": row.created_at,
        "claimed_by": row.claimed_by.get_username() if row.claimed_by else None,
        "may_answer": bool(getattr(row, "is_told", False)),
    }

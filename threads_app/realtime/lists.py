"""Whether a list of threads has something new."""

from __future__ import annotations

from typing import Any

from threadhub.kernel.realtime import Found, Topic
from threads_app.models import Thread


class ThreadListTopic(Topic):
    """`list:threads`: changes whenever the newest of the threads that a person sees does."""

    name = "list:threads"
    has_log = False
    families = frozenset({"run", "interrupt", "state", "thread"})

    def find(self, user: Any, argument: str) -> Found:
        """Return the person's own list."""
        return Found("read")

    def snapshot(self, user: Any, found: Found) -> dict[str, Any]:
        """Return when something changed last, and where; 1 query beside what the person holds."""
        seen = Thread.objects.visible_to(user, "view").order_by("-updated_at", "-id")
        newest = seen.values("public_id", "updated_at").first()
        return {
            "newest": newest["public_id"] if newest else None,
            "changed_at": newest["updated_at"] if newest else None,
        }

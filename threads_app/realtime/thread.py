"""One thread: its row, its latest run, what it asks, and everything that happens on it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from threadhub.kernel.rbac import access
from threadhub.kernel.realtime import Found, Topic, reduced
from threads_app.api import outputs
from threads_app.models import Interrupt, Run, Thread
from threads_app.selectors import usage

if TYPE_CHECKING:
    from threadhub.kernel.realtime import Level
    from threadhub.kernel.streams.models import StreamEvent

# What the catalogue row tells those who may only view it.
TOLD_FAMILIES = frozenset({"run", "interrupt", "thread"})
TOLD = ("run_id", "thread_id", "interrupt_id", "status", "attempt", "title")


class ThreadTopic(Topic):
    """`thread:<id>`: everything for who may read it, the row and its course for who may view it."""

    name = "thread:"

    def find(self, user: Any, argument: str) -> Found:
        """Return the thread. Raises NotVisible. Two queries."""
        thread = access.get(
            Thread.objects.only("stream"),
            user=user,
            action="view",
            telling="read",
            public_id=argument,
        )
        is_told = bool(getattr(thread, "is_told", False))
        return Found("read" if is_told else "view", thread.stream_id, thread.pk)

    def snapshot(self, user: Any, found: Found) -> dict[str, Any]:
        """Return the thread as the API shows it, with its latest run, questions and usage."""
        thread = access.get(
            Thread.objects.select_related("graph", "owner").defer("graph__description"),
            user=user,
            action="view",
            telling="read",
            pk=found.target,
        )
        is_told = thread.is_told = found.level == "read"  # type: ignore[attr-defined]  # as asked
        return {
            "level": found.level,
            "thread": outputs.threads([thread])[0],
            "run": _latest_run(user, thread, is_told=is_told),
            "questions": _questions(user, thread) if is_told else [],
            "usage": asdict(usage.of_thread(thread)),
        }

    def payload(self, event: StreamEvent, level: Level) -> Any:
        """Return all to readers, and to viewers what the row tells them anyway."""
        if level == "read":
            return event.payload
        if event.kind.partition(".")[0] not in TOLD_FAMILIES:
            return None
        return reduced(event.payload, TOLD)

    def is_delta(self, event: StreamEvent) -> bool:
        """Say whether the event is a token, whose message comes as a whole with the update."""
        return event.kind == "messages" and bool(event.payload.get("chunk"))


def _latest_run(user: Any, thread: Thread, *, is_told: bool) -> dict[str, Any] | None:
    runs = Run.objects.visible_to(user, "view").filter(thread=thread)
    run = runs.select_related("thread").order_by("-id").first()
    return outputs.run(run, is_told=is_told) if run else None


def _questions(user: Any, thread: Thread) -> list[dict[str, Any]]:
    asked = Interrupt.objects.visible_to(user, "read").open().filter(thread=thread)
    asked = asked.select_related("thread", "run", "answered_by").order_by("id")
    return [outputs.interrupt(row) for row in asked]

"""Execute a plan in this process, and follow its events as they are stored.

A server beside this process may claim the runs first; then they are only watched.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import connection

from sessions_app.models import Plan, Session
from sessions_app.selectors import members
from threadhub.coordination import plans
from threadhub.coordination.plans import PlanEnded
from threadhub.kernel import clock
from threadhub.kernel.errors import NotVisible
from threadhub.kernel.streams import log
from threads_app.models import Run
from threads_app.runtime import engine

if TYPE_CHECKING:
    from threadhub.kernel.streams.models import StreamEvent

POLL_SECONDS = 0.1
CLAIM_SECONDS = 0.2
# After these nothing more happens until a person does something.
PAUSES = frozenset({"node.waiting", "plan.finished", "plan.failed", "plan.cancelled"})

logger = logging.getLogger(__name__)


@contextmanager
def executing(session: Session) -> Iterator[None]:
    """Execute the runs of the session's threads while the block looks on."""
    over = threading.Event()
    worker = threading.Thread(target=_work, args=(session, over), name="execute", daemon=True)
    worker.start()
    try:
        yield
    finally:
        over.set()
        worker.join(settings.STOP_SECONDS)


def _work(session: Session, over: threading.Event) -> None:
    # A run may come back: handed over by a server that stops, or released after a crash.
    due = Run.objects.due().filter(thread__associations__session=session).order_by("id")
    while not over.is_set():
        try:
            run_id = due.values_list("id", flat=True).first()
            if run_id is not None and engine.current().execute(run_id=run_id):
                continue
        except Exception:
            logger.exception("A run could not be executed; the next turn tries again.")
        over.wait(CLAIM_SECONDS)
    connection.close()


@dataclass(frozen=True, slots=True)
class Told:
    """An event, and the name of the thread it is about; empty for the session's own."""

    name: str
    event: StreamEvent


class Follower:
    """Reads the events of a session and its threads, each once."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._streams = {
            member.thread.stream_id: member.thread_name for member in members.of(session)
        }
        self._after = dict.fromkeys([session.stream_id, *self._streams], 0)

    def follow(self) -> Iterator[Told]:
        """Yield events up to the next question or the end. Raises NotVisible when deleted."""
        pause, is_over = threading.Event(), False
        while not is_over:
            # What a thread did stands in its stream before the session tells that it ended.
            own = self._read(self._session.stream_id)
            for stream_id, name in self._streams.items():
                yield from (Told(name, event) for event in self._read(stream_id))
            for event in own:
                yield Told(str(event.payload.get("name", "")), event)
            is_over = any(event.kind in PAUSES for event in own)
            if not own and not Session.objects.filter(pk=self._session.pk).exists():
                raise NotVisible("The session was deleted.")
            if not is_over:
                pause.wait(POLL_SECONDS)

    def _read(self, stream_id: int) -> list[StreamEvent]:
        found = log.read(stream_id=stream_id, after=self._after[stream_id])
        if found:
            self._after[stream_id] = found[-1].seq
        return found


def cancel(plan: Plan, *, actor: Any) -> None:
    """Cancel the plan and wait, as long as the engine may take to stop, for its runs' end."""
    with contextlib.suppress(PlanEnded, NotVisible):
        plans.cancel(plan=plan, actor=actor, now=clock.now())
    working = Run.objects.active().filter(thread__associations__session=plan.session_id)
    pause, deadline = threading.Event(), time.monotonic() + settings.STOP_SECONDS
    while working.exists() and time.monotonic() < deadline:
        pause.wait(POLL_SECONDS)

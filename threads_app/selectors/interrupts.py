"""Questions about questions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from threads_app.models import Interrupt, Thread


def waiting(threads: Iterable[Thread]) -> dict[int, list[Interrupt]]:
    """Return the open questions of the threads that wait, by thread, oldest first; 1 query."""
    found: dict[int, list[Interrupt]] = defaultdict(list)
    keys = [thread.pk for thread in threads if thread.status == Thread.Status.INTERRUPTED]
    if keys:
        for row in Interrupt.objects.open().filter(thread_id__in=keys).order_by("id"):
            found[row.thread_id].append(row)
    return found

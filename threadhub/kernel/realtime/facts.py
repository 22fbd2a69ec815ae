"""What this process knows about its sockets."""

from __future__ import annotations

import time
from typing import Any

from threadhub.kernel.streams import wakeups

from . import hub

_BEGUN = time.monotonic()


def current() -> dict[str, Any]:
    """Return the numbers of this process; no query, from any thread."""
    hubs = hub.every()
    return {
        "uptime_s": round(time.monotonic() - _BEGUN),
        "sockets": sum(len(found.connections) for found in hubs),
        "people": sum(found.people() for found in hubs),
        "topics": sum(len(one.subscriptions) for found in hubs for one in list(found.connections)),
        "loop_lag_ms": round(max((found.lag_seconds for found in hubs), default=0.0) * 1000),
        "poll_ms": round(wakeups.poll_seconds() * 1000),
    }

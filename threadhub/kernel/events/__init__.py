"""Events: written in the transaction of their change, delivered after it, at least once.

`declare` names an event class, `publish` writes one, `subscribe` reacts, `relay` delivers.
"""

from __future__ import annotations

from .declaring import declare, subscribe
from .outbox import publish
from .relay import deliver_due

__all__ = ["declare", "deliver_due", "publish", "subscribe"]

"""What the tick does for plans: a safety net below the events."""

from __future__ import annotations

import logging
from datetime import datetime

from sessions_app.models import Plan
from threadhub.coordination import coordinator
from threadhub.kernel import ticking

BATCH = 100

logger = logging.getLogger(__name__)


@ticking.duty("plans.advance")
def advance_stalled(_: datetime) -> int:
    """Bring forward up to 100 plans that no event did; 1 query when there are none."""
    stalled = Plan.objects.stalled().order_by("id").values_list("id", flat=True)[:BATCH]
    for plan_id in (found := list(stalled)):
        try:
            coordinator.advance(plan_id=plan_id)
        except Exception:
            logger.exception("A plan could not be advanced; the next tick tries again.")
    return len(found)

"""The store a run gets: the memory of whoever ordered it, as long-lived as its project says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checkpoints_app.store import ThreadHubStore
from threads_app.graphs import catalog

if TYPE_CHECKING:
    from langgraph.store.base import TTLConfig

    from threads_app.models import Run

    from .leases import Lease


def of_run(run: Run, lease: Lease) -> ThreadHubStore:
    """Return the actor's store; a run that was taken over can change nothing in it any more."""
    store = ThreadHubStore(ttl=_ttl(run.graph.project))
    return store.for_actor(run.actor_id).bound(key=lease.key, fence=lease.fence)


def _ttl(slug: str) -> TTLConfig | None:
    for report in catalog.report().projects:
        if report.project is not None and report.project.slug == slug:
            wanted = report.project.store
            return {
                "default_ttl": wanted.default_ttl,
                "refresh_on_read": wanted.is_refreshed_on_read,
            }
    return None

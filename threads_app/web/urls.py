"""The addresses of a thread's pages, below those of its list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import URLPattern, path

from .access import AccessPage
from .checkpoints import CheckpointsPage
from .live import LivePage
from .runs import RunsPage
from .state import StatePage
from .timeline import TimelinePage

if TYPE_CHECKING:
    from django.contrib.admin import AdminSite

PAGES = {
    "live": LivePage,
    "timeline": TimelinePage,
    "state": StatePage,
    "checkpoints": CheckpointsPage,
    "runs": RunsPage,
    "access": AccessPage,
}


def patterns(site: AdminSite) -> list[URLPattern]:
    """Return the pages; each asks who the person is, then the one door."""
    return [
        path(
            f"<int:thread_key>/{name}/",
            site.admin_view(page.as_view()),
            name=f"threads_app_thread_{name}",
        )
        for name, page in PAGES.items()
    ]

"""The addresses of a thread's pages, below those of its list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import URLPattern, path

from .access import AccessPage
from .checkpoints import CheckpointsPage
from .live import LivePage
from .questions import QuestionPage
from .runs import RunsPage
from .starting import StartPage
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
    tabs = [
        path(
            f"<int:thread_key>/{name}/",
            site.admin_view(page.as_view()),
            name=f"threads_app_thread_{name}",
        )
        for name, page in PAGES.items()
    ]
    question = path(
        "<int:thread_key>/questions/<int:question_key>/",
        site.admin_view(QuestionPage.as_view()),
        name="threads_app_thread_question",
    )
    add = path("add/", site.admin_view(StartPage.as_view()), name="threads_app_thread_add")
    return [add, *tabs, question]

"""The addresses of a thread's pages, below those of its list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import URLPattern, path

from .access import AccessPage, GrantPage, People, RevokePage
from .acting import ACTS
from .checkpoints import CheckpointsPage
from .forking import ForkPage
from .live import LivePage
from .questions import QuestionPage
from .runs import RunsPage
from .starting import StartPage
from .state import StateDownload, StatePage, StatePart
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
# Parts of the tabs and what is done from them, by name: the address below the thread's.
BELOW = {
    "state_part": ("state/part/", StatePart),
    "state_download": ("state/download/", StateDownload),
    "fork": ("checkpoints/fork/", ForkPage),
    "access_grant": ("access/grant/", GrantPage),
    "access_revoke": ("access/revoke/", RevokePage),
    "access_people": ("access/people/", People),
}


def patterns(site: AdminSite) -> list[URLPattern]:
    """Return the pages; each asks who the person is, then the one door."""
    every = {name: (f"{name}/", page) for name, page in {**PAGES, **ACTS}.items()} | BELOW
    tabs = [
        path(
            f"<int:thread_key>/{route}",
            site.admin_view(view.as_view()),
            name=f"threads_app_thread_{name}",
        )
        for name, (route, view) in every.items()
    ]
    question = path(
        "<int:thread_key>/questions/<int:question_key>/",
        site.admin_view(QuestionPage.as_view()),
        name="threads_app_thread_question",
    )
    add = path("add/", site.admin_view(StartPage.as_view()), name="threads_app_thread_add")
    return [add, *tabs, question]

"""The page *Needs you*: every open question a person may see, answered where it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.admin import site
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views import View

from threads_app.models import Interrupt
from threads_app.web import asked

from . import memberships

if TYPE_CHECKING:
    from django.http import HttpRequest

    from threads_app.querysets import InterruptQuerySet

PER_PAGE = 25
# The badge says "99+" from here on.
COUNTED = 100
SHOWN = (("all", _("All")), ("unclaimed", _("Unclaimed")), ("mine", _("Claimed by me")))


def open_count(user: Any) -> int:
    """Return how many questions wait for the person to answer, at most 100; 1 small query."""
    mine = Interrupt.objects.visible_to(user, "execute").open()
    return int(mine.order_by().values("pk")[:COUNTED].count())


class InboxPage(View):
    """The open questions, the longest waiting first."""

    def get(self, request: HttpRequest) -> TemplateResponse:
        """Show a page of them."""
        given = request.GET
        shown = given.get("show", "all")
        graph, after = given.get("graph", ""), _number(given.get("after", ""))
        found = _found(request.user, shown=shown, graph=graph)
        rows = list(found.filter(pk__gt=after).order_by("pk")[: PER_PAGE + 1])
        here = reverse("admin:inbox")
        cards = asked.cards(
            request.user, rows[:PER_PAGE], back=_with(here, show=shown, graph=graph)
        )
        context = {
            **site.each_context(request),
            "title": gettext("Needs you"),
            "cards": cards,
            "sessions": memberships.of(request.user, [row.thread_id for row in rows]),
            "views": [_view(name, text, shown, graph) for name, text in SHOWN],
            "graphs": _graphs(request.user),
            "graph": graph,
            "shown": shown,
            "is_narrowed": shown != "all" or bool(graph),
            "first": _with(here, show=shown, graph=graph) if after else "",
            "next": _with(here, show=shown, graph=graph, after=rows[PER_PAGE - 1].pk)
            if len(rows) > PER_PAGE
            else "",
        }
        return TemplateResponse(request, "console/inbox.html", context)


def _found(user: Any, *, shown: str, graph: str) -> InterruptQuerySet:
    found = asked.waiting(user, Interrupt.objects.visible_to(user, "view"))
    if shown == "mine":
        found = found.filter(claimed_by=user)
    if shown == "unclaimed":
        found = found.filter(claimed_by=None)
    return found.filter(run__graph__name=graph) if graph else found


def _graphs(user: Any) -> list[str]:
    """Return the graphs that ask something now."""
    seen = Interrupt.objects.visible_to(user, "view").open()
    return sorted(seen.order_by().values_list("run__graph__name", flat=True).distinct()[:COUNTED])


def _view(name: str, text: Any, shown: str, graph: str) -> dict[str, Any]:
    address = _with(reverse("admin:inbox"), show=name, graph=graph)
    return {"text": text, "address": address, "is_current": name == shown}


def _with(address: str, **given: Any) -> str:
    kept = {name: value for name, value in given.items() if value not in ("", "all")}
    return f"{address}?{urlencode(kept)}" if kept else address


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0

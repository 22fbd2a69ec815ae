"""The head of a thread's page, the same on every tab."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.urls import reverse
from django.utils.translation import gettext, ngettext, pgettext_lazy

from threadhub.kernel import clock
from threadhub.kernel.adminbase.marks import duration, size
from threadhub.kernel.ids import new_id
from threadhub.kernel.rbac import access
from threads_app.models import Interrupt, Run
from threads_app.selectors import usage

from . import possible
from .drawings import coarse

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.utils.functional import Promise

    from threadhub.kernel.rbac.querysets import Action
    from threads_app.models import Thread

# In order: the word in the address, the title, and what one must hold to open it.
TABS: tuple[tuple[str, Promise, Action], ...] = (
    ("live", pgettext_lazy("thread", "Live"), "view"),
    ("timeline", pgettext_lazy("thread", "Timeline"), "read"),
    ("state", pgettext_lazy("thread", "State"), "read"),
    ("checkpoints", pgettext_lazy("thread", "Checkpoints"), "read"),
    ("runs", pgettext_lazy("thread", "Runs"), "view"),
    ("access", pgettext_lazy("thread", "Access"), "view"),
)

# What floors above know of a thread: (icon, text, address) each, for the line of facts.
Fact = tuple[str, str, str]
facts: list[Callable[[HttpRequest, Thread], list[Fact]]] = []


def of(request: HttpRequest, thread: Thread, *, tab: str) -> dict[str, Any]:
    """Return what the head shows: the thread, its tabs, and what the person may do."""
    rights = access.held(request.user, thread)
    work, store = usage.work_of(thread), usage.stored_of(thread)
    runs = Run.objects.visible_to(request.user, "view").filter(thread=thread)
    last = runs.defer("input", "command").order_by("-id").first()
    asked = Interrupt.objects.visible_to(request.user, "view").filter(thread=thread).open()
    waits = asked.order_by("id").values_list("created_at", flat=True).first()
    counts = {"checkpoints": store.checkpoints, "runs": work.runs}
    return {
        "thread": thread,
        "rights": rights,
        "facts": [fact for told in facts for fact in told(request, thread)],
        "figures": _figures(work, store),
        "waiting_text": _waiting(waits) if waits else "",
        "possible": possible.acts(thread, rights, work=work, last=last, is_asking=bool(waits)),
        "act_key": str(new_id()),
        "tabs": [
            _tab(name, text, thread, tab, counts.get(name))
            for name, text, needs in TABS
            if needs in rights
        ],
        "topics": f"thread:{thread.public_id}",
    }


def _tab(
    name: str, text: Promise, thread: Thread, current: str, count: int | None
) -> dict[str, Any]:
    address = reverse(f"admin:threads_app_thread_{name}", args=[thread.pk])
    return {"text": text, "address": address, "is_current": name == current, "count": count}


def _waiting(since: Any) -> str:
    return gettext("Waiting %s") % coarse((clock.now() - since).total_seconds())


def _figures(work: usage.Work, store: usage.Usage) -> list[str]:
    """Return the thread's figures, each a whole phrase; nothing is said of what there is none."""
    found = []
    if work.seconds:
        found.append(gettext("%s run time") % duration(work.seconds))
    if work.tokens:
        found.append(ngettext("%d token", "%d tokens", work.tokens) % work.tokens)
    if store.checkpoints:
        text = ngettext(
            "%(count)d checkpoint, %(size)s",
            "%(count)d checkpoints, %(size)s",
            store.checkpoints,
        )
        found.append(text % {"count": store.checkpoints, "size": size(store.bytes)})
    return found

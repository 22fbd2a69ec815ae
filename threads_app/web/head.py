"""The head of a thread's page, the same on every tab."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.urls import reverse
from django.utils.translation import pgettext_lazy

from threadhub.kernel.rbac import access

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
    return {
        "thread": thread,
        "rights": rights,
        "facts": [fact for told in facts for fact in told(request, thread)],
        "tabs": [_tab(name, text, thread, tab) for name, text, needs in TABS if needs in rights],
        "topics": f"thread:{thread.public_id}",
    }


def _tab(name: str, text: Promise, thread: Thread, current: str) -> dict[str, Any]:
    address = reverse(f"admin:threads_app_thread_{name}", args=[thread.pk])
    return {"text": text, "address": address, "is_current": name == current}

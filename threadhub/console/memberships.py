"""Which sessions threads belong to, for pages about threads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.urls import reverse

from sessions_app.models import SessionThreadAssociation
from threads_app.web import head, listing

if TYPE_CHECKING:
    from django.http import HttpRequest

    from threads_app.models import Thread


def connect() -> None:
    """Let the pages of threads, which know no sessions, show them."""
    listing.sessions_of.append(of)
    head.facts.append(facts)


def of(user: Any, thread_keys: Sequence[int]) -> dict[int, tuple[str, str]]:
    """Return title and address of the latest session of each thread, if one may see it; 1 query."""
    if not thread_keys:
        return {}
    seen = SessionThreadAssociation.objects.visible_to(user, "view").active()
    rows = seen.filter(thread_id__in=thread_keys).order_by("pk")
    found = rows.values_list("thread_id", "session_id", "session__title", "session__public_id")
    return {
        thread: (title or str(public_id), _address(session))
        for thread, session, title, public_id in found
    }


def facts(request: HttpRequest, thread: Thread) -> list[tuple[str, str, str]]:
    """Return the thread's session for the line of facts at the head of its page."""
    found = of(request.user, [thread.pk]).get(thread.pk)
    return [("sessions", *found)] if found else []


def _address(key: int) -> str:
    return reverse("admin:sessions_app_session_change", args=[key])

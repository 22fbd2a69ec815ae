"""What a person can do with a thread now, and why not the rest."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.translation import gettext

from threads_app.models import Graph, Thread

if TYPE_CHECKING:
    from threads_app.models import Run
    from threads_app.selectors.usage import Work


@dataclass(frozen=True, slots=True)
class Possible:
    """An act: where it is done, and the reason where it cannot be done now."""

    address: str
    why: str = ""


def acts(
    thread: Thread, rights: Collection[str], *, work: Work, last: Run | None, is_asking: bool
) -> dict[str, Possible]:
    """Return each act by its name."""
    why = {
        "run": why_not_run(thread, rights, active=work.active, is_asking=is_asking),
        "resume": why_not_resume(
            thread, rights, active=work.active, last=last, is_asking=is_asking
        ),
        "cancel": _why_not_cancel(rights, work.active),
        "rename": "" if "write" in rights else gettext("You may not change this thread."),
        "remove": "" if "delete" in rights else gettext("You may not delete this thread."),
    }
    found = {name: Possible(_address(name, thread), reason) for name, reason in why.items()}
    found["fork"] = Possible(_address("checkpoints", thread), _why_not_fork(thread, rights))
    state = _address("state_download", thread)
    found["download"] = Possible(state, _why_not_read(thread, rights))
    found["api"] = Possible(f"/api/threads/{thread.public_id}")
    return found


def why_not_run(thread: Thread, rights: Collection[str], *, active: int, is_asking: bool) -> str:
    """Return why no run can be started, nothing where one can."""
    if "execute" not in rights:
        return gettext("You may see this thread, but not run it.")
    if thread.graph is None:
        return gettext("This thread has no graph yet. Its first run over the API gives it one.")
    if thread.graph.status != Graph.Status.LOADED:
        return gettext("The graph %s cannot run at present.") % thread.graph.name
    if is_asking:
        return gettext("Run is off until the question below is answered.")
    if active:
        return gettext("Run is off while another run is under way.")
    return ""


def why_not_resume(
    thread: Thread, rights: Collection[str], *, active: int, last: Run | None, is_asking: bool
) -> str:
    """Return why the thread cannot go on from where it stands, nothing where it can."""
    if is_asking:
        return gettext("an answer resumes it")
    has_stopped = last is not None and last.status in {"error", "timeout", "cancelled"}
    is_open = thread.status in {Thread.Status.ERROR, Thread.Status.INTERRUPTED} or has_stopped
    if last is None or not is_open:
        return gettext("nothing is left to do")
    return why_not_run(thread, rights, active=active, is_asking=False)


def _why_not_cancel(rights: Collection[str], active: int) -> str:
    if not active:
        return gettext("no run is under way")
    return "" if "execute" in rights else gettext("you may not run this thread")


def _why_not_fork(thread: Thread, rights: Collection[str]) -> str:
    if "read" not in rights:
        return gettext("Fork is off: you may not read the state.")
    if thread.state_updated_at is None and not thread.run_count:
        return gettext("Fork is off until there is a checkpoint.")
    return ""


def _why_not_read(thread: Thread, rights: Collection[str]) -> str:
    if "read" not in rights:
        return gettext("you may not read it")
    return "" if thread.graph is not None else gettext("there is none yet")


def _address(name: str, thread: Thread) -> str:
    return reverse(f"admin:threads_app_thread_{name}", args=[thread.pk])

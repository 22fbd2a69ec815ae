"""What is done to many threads at once, with true counts of what was done and what was not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.admin import site
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.http import HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext, ngettext

from threadhub.kernel import clock, operations
from threadhub.kernel.errors import NotVisible, ThreadHubError
from threadhub.kernel.ids import new_id
from threads_app.models import Run
from threads_app.services import runs

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from threads_app.querysets import ThreadQuerySet

NAMED = 10


def cancel(request: HttpRequest, threads: ThreadQuerySet) -> None:
    """Ask every active run of the threads to stop, and report the counts."""
    keys = list(threads.order_by().values_list("pk", flat=True))
    allowed = set(threads.visible_to(request.user, "execute").values_list("pk", flat=True))
    active = Run.objects.visible_to(request.user, "execute").active()
    waiting = list(active.filter(thread_id__in=allowed).order_by("pk"))
    stopped = sum(_cancel(run, request.user) for run in waiting)
    level = messages.SUCCESS if stopped else messages.WARNING
    text = ngettext("%d run is asked to stop.", "%d runs are asked to stop.", stopped)
    messages.add_message(request, level, text % stopped)
    if ended := len(waiting) - stopped:
        text = ngettext("%d run has ended already.", "%d runs have ended already.", ended)
        messages.warning(request, text % ended)
    if idle := len(allowed - {run.thread_id for run in waiting}):
        text = ngettext("On %d thread nothing runs.", "On %d threads nothing runs.", idle)
        messages.info(request, text % idle)
    if refused := len(keys) - len(allowed):
        text = ngettext(
            "On %d thread you may not cancel runs.",
            "On %d threads you may not cancel runs.",
            refused,
        )
        messages.warning(request, text % refused)


def _cancel(run: Run, user: Any) -> bool:
    try:
        runs.cancel(run=run, actor=user, now=clock.now())
    except NotVisible:
        # It ended between the page and the click.
        return False
    return True


def delete(request: HttpRequest, threads: ThreadQuerySet) -> HttpResponse | None:
    """Show what would be deleted; once confirmed, ask for the operation and lead to it."""
    allowed = list(threads.visible_to(request.user, "delete").order_by("-updated_at", "-pk"))
    if not allowed:
        messages.warning(request, gettext("None of the selected threads may be deleted by you."))
        return None
    if request.POST.get("confirmed") != "yes":
        return _preview(request, threads, allowed)
    try:
        operation = operations.ask(
            kind="threads.delete",
            asked_by=request.user,
            now=clock.now(),
            wanted={"ids": [thread.public_id for thread in allowed]},
            reason=request.POST.get("reason", ""),
            idempotency_key=f"delete:{request.POST.get('key', '')}"[:255],
        )
    except ThreadHubError as error:
        messages.error(request, error.message)
        return _preview(request, threads, allowed)
    text = ngettext("%d thread is being deleted.", "%d threads are being deleted.", operation.total)
    messages.success(request, text % operation.total)
    address = reverse("admin:threadhub_operation_change", args=[operation.pk])
    return HttpResponseRedirect(address, status=303)


def _preview(request: HttpRequest, threads: ThreadQuerySet, allowed: list[Any]) -> HttpResponse:
    active = Run.objects.visible_to(request.user, "view").active()
    running = active.filter(thread__in=allowed).values("thread").distinct().count()
    context = {
        **site.each_context(request),
        "title": ngettext("Delete %d thread", "Delete %d threads", len(allowed)) % len(allowed),
        "crumbs": [(reverse("admin:threads_app_thread_changelist"), gettext("Threads"))],
        "allowed": allowed,
        "named": allowed[:NAMED],
        "unnamed": max(len(allowed) - NAMED, 0),
        "refused": threads.count() - len(allowed),
        "running": running,
        "box": ACTION_CHECKBOX_NAME,
        "key": request.POST.get("key") or new_id(),
        "reason": request.POST.get("reason", ""),
    }
    return TemplateResponse(request, "threads/delete.html", context)

"""Acts on a thread: pages with a form, which post to themselves and lead back."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext, gettext_noop

from threadhub.kernel import clock
from threadhub.kernel.errors import Conflict, Invalid, ThreadHubError
from threadhub.kernel.ids import new_id
from threads_app.models import Interrupt, Run, Thread
from threads_app.selectors import assistants
from threads_app.services import runs, threads
from threads_app.services.runs import RunOrder

from . import starting
from .pages import ThreadPage, found

if TYPE_CHECKING:
    from django.template.response import TemplateResponse

    from threads_app.models import Assistant

# A page may be sent twice; the second time finds what the first one did.
KEY = "console:%s"
NO_GRAPH = gettext_noop("This thread has no graph yet. Its first run over the API gives it one.")


def led(address: str) -> HttpResponse:
    """Lead to a page after something was done."""
    return HttpResponseRedirect(address, status=303)


class ActPage(ThreadPage):
    """A form about one thread: GET shows it, POST acts and leads to the thread."""

    tab = ""

    def show(
        self, request: HttpRequest, thread: Thread, *, status: int = 200, **extra: Any
    ) -> TemplateResponse:
        """Show the form, with what was typed and what is wrong with it."""
        frame = self.frame(request, thread)
        address = reverse("admin:threads_app_thread_live", args=[thread.pk])
        context = {
            **frame,
            "title": self.title(thread),
            "crumbs": [*frame["crumbs"], (address, str(thread))],
            "back": address,
            "key": request.POST.get("key") or str(new_id()),
            **self.content(request, thread),
            **extra,
        }
        return self.response(request, context, status)

    def title(self, thread: Thread) -> str:
        """Return what the page is called."""
        raise NotImplementedError

    def get(self, request: HttpRequest, thread_key: int) -> TemplateResponse:
        """Show the form to whoever may do it."""
        return self.show(request, found(request, thread_key, self.needs))

    def post(self, request: HttpRequest, thread_key: int) -> HttpResponse:
        """Do it; what is refused is said above the form, which keeps what was typed."""
        thread = found(request, thread_key, self.needs)
        try:
            return self.act(request, thread)
        except (Conflict, Invalid) as error:
            wrong = [text for texts in (error.fields or {}).values() for text in texts]
            return self.show(
                request, thread, status=error.status, problem=error.message, wrong=wrong
            )

    def act(self, request: HttpRequest, thread: Thread) -> HttpResponse:
        """Do what the page is for. Raises Conflict, Invalid."""
        raise NotImplementedError


class RunPage(ActPage):
    """Start a run with an input."""

    needs = "execute"
    template = "threads/run.html"

    def title(self, thread: Thread) -> str:
        """Return what the page is called."""
        return gettext("Run %s") % thread

    def content(self, request: HttpRequest, thread: Thread) -> dict[str, Any]:
        """Return the form of the graph's input."""
        return {"form": starting.run_form(thread)}

    def act(self, request: HttpRequest, thread: Thread) -> HttpResponse:
        """Start the run; the same form sent twice starts it once."""
        form = starting.run_form(thread, request.POST)
        if form is None:
            raise Conflict(gettext(NO_GRAPH))
        if form.switch(request.POST):
            return self.show(request, thread, form=form)
        try:
            order = form.order()
            if order is None:
                return self.show(request, thread, status=422, form=form)
            self._start(request, thread, replace(order, strategy="reject"))
        except Conflict as error:
            return self.show(request, thread, status=409, form=form, problem=error.message)
        except Invalid as error:
            form.refuse(error)
            return self.show(request, thread, status=422, form=form)
        messages.success(request, gettext("The run is on its way."))
        return led(reverse("admin:threads_app_thread_live", args=[thread.pk]))

    def _start(self, request: HttpRequest, thread: Thread, order: RunOrder) -> None:
        if not _is_known(request, order):
            _demand_no_question(request, thread)
        assistant = _assistant(request, thread)
        runs.start(
            thread=thread, assistant=assistant, actor=request.user, order=order, now=clock.now()
        )


class ResumeAct(ActPage):
    """Go on from where the thread stands: after an error, a stop or a change of its state."""

    needs = "execute"
    template = "threads/resume.html"

    def title(self, thread: Thread) -> str:
        """Return what the page is called."""
        return gettext("Resume %s") % thread

    def act(self, request: HttpRequest, thread: Thread) -> HttpResponse:
        """Start a run without input, with the configuration of the last one."""
        mine = Run.objects.visible_to(request.user, "view").filter(thread=thread)
        last = mine.select_related("graph").order_by("-id").first()
        if last is None:
            raise Conflict(
                gettext("Nothing has run on this thread yet, so there is nothing to resume.")
            )
        key, digest = _once(request, "resume")
        order = RunOrder(
            config=last.config,
            context=last.context,
            strategy="reject",
            idempotency_key=key,
            digest=digest,
        )
        if not _is_known(request, order):
            _demand_no_question(request, thread)
        assistant = _assistant(request, thread)
        runs.start(
            thread=thread, assistant=assistant, actor=request.user, order=order, now=clock.now()
        )
        messages.success(request, gettext("The thread goes on from its last checkpoint."))
        return led(reverse("admin:threads_app_thread_live", args=[thread.pk]))


class CancelPage(ActPage):
    """Cancel the run that is named, or the one under way."""

    needs = "execute"
    template = "threads/cancel.html"

    def title(self, thread: Thread) -> str:
        """Return what the page is called."""
        return gettext("Cancel the run of %s") % thread

    def content(self, request: HttpRequest, thread: Thread) -> dict[str, Any]:
        """Return the run and the reason as typed."""
        run = _named_run(request, thread)
        return {"run": run, "reason": request.POST.get("reason", "")}

    def act(self, request: HttpRequest, thread: Thread) -> HttpResponse:
        """Ask the run to stop; one that was asked already is left alone."""
        run = _named_run(request, thread)
        address = request.POST.get("next", "")
        back = "runs" if address == "runs" else "live"
        leading = led(reverse(f"admin:threads_app_thread_{back}", args=[thread.pk]))
        if run is None:
            raise Conflict(gettext("No run is under way on this thread."))
        if run.status == Run.Status.CANCELLED or run.cancel_requested_at is not None:
            messages.success(request, gettext("The run is asked to stop."))
            return leading
        try:
            reason = request.POST.get("reason", "")[:500]
            runs.cancel(run=run, actor=request.user, now=clock.now(), reason=reason)
        except ThreadHubError as error:
            messages.warning(request, error.message)
        else:
            messages.success(request, gettext("The run is asked to stop."))
        return leading


class RenamePage(ActPage):
    """Give the thread another name."""

    needs = "write"
    template = "threads/rename.html"

    def title(self, thread: Thread) -> str:
        """Return what the page is called."""
        return gettext("Rename %s") % thread

    def content(self, request: HttpRequest, thread: Thread) -> dict[str, Any]:
        """Return the name as typed."""
        return {"name": request.POST.get("title", thread.title)}

    def act(self, request: HttpRequest, thread: Thread) -> HttpResponse:
        """Set the title."""
        title = request.POST.get("title", "")
        changed = threads.change(thread=thread, now=clock.now(), title=title)
        messages.success(request, gettext("The thread is called %s now.") % changed)
        return led(reverse("admin:threads_app_thread_live", args=[thread.pk]))


class DeletePage(ActPage):
    """Delete the thread with all it has."""

    needs = "delete"
    template = "threads/remove.html"

    def title(self, thread: Thread) -> str:
        """Return what the page is called."""
        return gettext("Delete %s") % thread

    def act(self, request: HttpRequest, thread: Thread) -> HttpResponse:
        """Delete it. Raises Conflict while something needs it."""
        name = str(thread)
        threads.delete(thread=thread, now=clock.now(), actor=request.user)
        messages.success(request, gettext("The thread %s is deleted.") % name)
        return led(reverse("admin:threads_app_thread_changelist"))


def _once(request: HttpRequest, text: str) -> tuple[str, str]:
    """Return the form's key and what it stands for."""
    key = request.POST.get("key") or str(new_id())
    digest = hashlib.sha256(f"{request.path}\n{text}".encode(errors="replace")).hexdigest()
    return KEY % key[:200], digest


def _is_known(request: HttpRequest, order: RunOrder) -> bool:
    mine = Run.objects.visible_to(request.user, "view")
    key = order.idempotency_key
    return mine.filter(actor_id=request.user.pk, idempotency_key=key).exists()


def _demand_no_question(request: HttpRequest, thread: Thread) -> None:
    """Raise Conflict where a run would drop a question that nobody has answered."""
    asked = Interrupt.objects.visible_to(request.user, "view").filter(thread=thread)
    if asked.open().exists():
        raise Conflict(gettext("A question is open on this thread. Answer it first."))


def _assistant(request: HttpRequest, thread: Thread) -> Assistant:
    """Return the assistant the thread was made for, or its graph's default one."""
    if thread.graph is None:
        raise Conflict(gettext(NO_GRAPH))
    usable = assistants.usable(user=request.user).filter(graph=thread.graph)
    try:
        named = UUID(str(thread.metadata.get("assistant_id")))
    except ValueError:
        named = None
    own = usable.filter(public_id=named).first() if named else None
    return own or assistants.resolve(thread.graph.name, user=request.user)


def _named_run(request: HttpRequest, thread: Thread) -> Run | None:
    """Return the run the request names, else the one under way."""
    mine = Run.objects.visible_to(request.user, "execute").filter(thread=thread)
    named = request.POST.get("run") or request.GET.get("run", "")
    if named.isdecimal():
        return mine.filter(pk=int(named[:18])).first()
    return mine.active().order_by("-status", "id").first()


ACTS = {
    "run": RunPage,
    "resume": ResumeAct,
    "cancel": CancelPage,
    "rename": RenamePage,
    "remove": DeletePage,
}

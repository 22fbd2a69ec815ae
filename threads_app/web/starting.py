"""Start runs from pages: the form of a graph's input, and the page *New thread*."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import messages
from django.contrib.admin import site
from django.http import HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.views import View

from threadhub.kernel import clock
from threadhub.kernel.errors import Invalid
from threadhub.kernel.ids import new_id
from threadhub.kernel.schemaforms import SchemaForm, form_for
from threads_app.models import Graph, Thread
from threads_app.selectors import assistants
from threads_app.services import runs, threads
from threads_app.services.runs import RunOrder
from threads_app.services.threads import ThreadExists

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponseBase


class RunForm:
    """What a person gives a run: the graph's input, and its context where it takes one."""

    def __init__(self, graph: Graph, data: Mapping[str, Any] | None = None) -> None:
        self.graph = graph
        self.key = (data or {}).get("key") or str(new_id())
        known = graph.description.get("schemas") or {}
        self.input = form_for(known.get("input"), data, "input.", is_loose=True)
        has_context = bool(graph.description.get("has_context_schema"))
        self.context = form_for(known.get("context"), data, "context.") if has_context else None

    @property
    def forms(self) -> list[SchemaForm]:
        """Return the forms there are."""
        return [self.input, *([self.context] if self.context else [])]

    def switch(self, data: Mapping[str, Any]) -> bool:
        """Show a form the other way if its button was pressed; say whether one was."""
        pressed = [form for form in self.forms if form.switch_name in data]
        for form in pressed:
            form.switch()
        return bool(pressed)

    def order(self) -> RunOrder | None:
        """Return the order, None where the forms say what is wrong with it."""
        # Each is asked, so that everything is told at once.
        are_valid = [form.is_valid() for form in self.forms]
        if not all(are_valid):
            return None
        given = self.input.value()
        context = self.context.value() if self.context else None
        text = json.dumps([self.graph.name, given, context], sort_keys=True)
        return RunOrder(
            input=given,
            context=context,
            idempotency_key=f"run:{self.key}"[:255],
            digest=hashlib.sha256(text.encode()).hexdigest(),
        )

    def refuse(self, error: Invalid) -> None:
        """Put the service's refusal at the fields it names, or above all."""
        names = {part.part.path[-1:]: part for part in self.input.parts}
        for name, texts in (error.fields or {}).items():
            if (name,) in names and not self.input.is_raw:
                self.input.add_error([name], texts[0])
                return
        self.input.problems.append(error.message)


def run_form(thread: Thread, data: Mapping[str, Any] | None = None) -> RunForm | None:
    """Return the form of another run on a thread, None for a thread without a graph."""
    return RunForm(thread.graph, data) if thread.graph else None


class StartPage(View):
    """Pick a graph, give it its input, and start; or make the thread alone."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Show the graphs, and the form of the one that is picked."""
        graph = _picked(request.GET.get("graph", ""))
        return _page(request, RunForm(graph) if graph else None)

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """Make the thread and start its run; what was typed stays until both are accepted."""
        graph = _picked(request.POST.get("graph", ""))
        if graph is None:
            messages.error(request, gettext("Pick a graph that can run."))
            return _page(request, None, status=422)
        form = RunForm(graph, request.POST)
        if form.switch(request.POST):
            return _page(request, form)
        has_start = request.POST.get("act") != "create"
        order = form.order() if has_start else None
        if has_start and order is None:
            return _page(request, form, status=422)
        try:
            thread = _made(request, form, order)
        except Invalid as error:
            title_errors = (error.fields or {}).get("title")
            if not title_errors:
                form.refuse(error)
            return _page(request, form, title_error=bool(title_errors), status=422)
        return HttpResponseRedirect(_address(thread), status=303)


def _made(request: HttpRequest, form: RunForm, order: RunOrder | None) -> Thread:
    """Make the thread under the id the page was given, so that a second click finds it."""
    now, user = clock.now(), request.user
    assistant = assistants.resolve(form.graph.name, user=user)
    if order is not None:
        # Before the thread exists: what is refused leaves nothing behind.
        runs.check(order.over(assistant), form.graph)
    try:
        thread = threads.create(
            actor=user,
            now=now,
            public_id=UUID(form.key),
            assistant=assistant,
            title=request.POST.get("title", ""),
        )
    except ThreadExists:
        known = Thread.objects.visible_to(user, "execute").filter(owner_id=user.pk)
        if (found := known.filter(public_id=form.key).first()) is not None:
            return found
        raise Invalid(gettext("This page was sent before. Open it again.")) from None
    except ValueError:
        raise Invalid(gettext("This page was changed on its way. Open it again.")) from None
    if order is not None:
        runs.start(thread=thread, assistant=assistant, actor=user, order=order, now=now)
    return thread


def _picked(name: str) -> Graph | None:
    return Graph.objects.filter(name=name, status=Graph.Status.LOADED).first() if name else None


def _address(thread: Thread) -> str:
    return reverse("admin:threads_app_thread_live", args=[thread.pk])


def _page(
    request: HttpRequest, form: RunForm | None, *, title_error: bool = False, status: int = 200
) -> TemplateResponse:
    graphs = Graph.objects.exclude(status=Graph.Status.GONE).order_by("name")
    context = {
        **site.each_context(request),
        "title": gettext("New thread"),
        "crumbs": [(reverse("admin:threads_app_thread_changelist"), gettext("Threads"))],
        "graphs": graphs.defer("check_report"),
        "form": form,
        "typed_title": request.POST.get("title", ""),
        "title_error": title_error,
    }
    return TemplateResponse(request, "threads/start.html", context, status=status)

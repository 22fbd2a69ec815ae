"""The tab *State* of a thread: its values at one moment, a part at a time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views import View

from threadhub.kernel.errors import NotVisible
from threads_app.models import Interrupt
from threads_app.selectors import messages, snapshots, values
from threads_app.selectors.checkpoints import runs_of

from .pages import ThreadPage, found
from .places import given, made_by, moment_of, named, query_of, written_by

if TYPE_CHECKING:
    from threads_app.models import Thread
    from threads_app.selectors.snapshots import Channel, Moment, Origin

MESSAGES = 50
WORDS, PATH = 200, 4000
# A channel with no more inside of it is shown open.
FEW = 8


class StatePage(ThreadPage):
    """Threads, tab State."""

    tab = "state"
    needs = "read"
    template = "threads/state.html"

    def content(self, request: HttpRequest, thread: Thread) -> dict[str, Any]:
        """Return the channels without what is inside of them, and what made them."""
        moment = moment_of(request, thread)
        if moment is None:
            return {"moment": None}
        talks = [one.name for one in moment.channels if messages.are(one.value)]
        talk = given(request, "talk")
        outline = moment.outline
        return {
            "moment": moment,
            "place": query_of(moment),
            "namespaces": named(snapshots.namespaces(thread)),
            "channels": _channels(thread, moment),
            "talks": talks,
            "talk": talk if talk in talks else "",
            "talk_page": _talk(request, moment, talk) if talk in talks else None,
            "is_head": not moment.ns and outline.checkpoint_id == thread.head.checkpoint_id,
            "made_by": made_by(outline, ()) if outline.source != "loop" else "",
            "run": runs_of([outline], user=request.user).get(outline.run_id or ""),
            "questions": _questions(request, thread, moment),
            "words": given(request, "q").strip()[:WORDS],
            "hits": _hits(moment, given(request, "q").strip()[:WORDS]),
            "focus": _focus(request, moment),
        }


def _questions(request: HttpRequest, thread: Thread, moment: Moment) -> Any:
    seen = Interrupt.objects.visible_to(request.user, "read").open()
    place = {"checkpoint_id": moment.outline.checkpoint_id, "namespace": moment.ns}
    return seen.filter(thread=thread, **place).order_by("pk")


def _channels(thread: Thread, moment: Moment) -> list[dict[str, Any]]:
    origins = snapshots.origins(thread, moment)
    return [_shown(one, origins.get(one.name)) for one in moment.channels]


def _shown(channel: Channel, origin: Origin | None) -> dict[str, Any]:
    part = values.part(channel.value, key=channel.name)
    is_few = part.kind in {"object", "list"} and 0 < part.count <= FEW and not channel.problem
    return {
        "channel": channel,
        "part": part,
        "page": values.page(channel.value, "") if is_few else None,
        "origin": origin.checkpoint if origin else None,
        "writer": written_by(origin.checkpoint, origin.nodes) if origin else "",
        "is_known": bool(origin and (origin.nodes or origin.checkpoint.source != "loop")),
    }


def _talk(request: HttpRequest, moment: Moment, name: str) -> dict[str, Any]:
    channel = moment.channel(name)
    held = channel.value if channel else []
    last = max(len(held) - MESSAGES, 0)
    start = min(_number(request, "start", last), len(held))
    shown = messages.shown(held, start=start, limit=MESSAGES)
    return {
        "messages": shown,
        "count": len(held),
        "first": start + 1,
        "last": start + len(shown),
        "earlier": max(start - MESSAGES, 0) if start else None,
        "later": start + MESSAGES if start + MESSAGES < len(held) else None,
    }


def _number(request: HttpRequest, name: str, default: int) -> int:
    try:
        return max(int(request.GET.get(name, default)), 0)
    except ValueError:
        return default


def _hits(moment: Moment, words: str) -> list[values.Hit]:
    readable = {one.name: one.value for one in moment.channels if not one.problem}
    return values.search(readable, words) if words else []


def _focus(request: HttpRequest, moment: Moment) -> dict[str, Any] | None:
    """Return one value that the address points to: what a search found, or a cut text."""
    channel, path = moment.channel(given(request, "channel")), given(request, "path")[:PATH]
    if channel is None or channel.problem:
        return None
    try:
        key, value = values.at(channel.value, path, key=channel.name)
    except NotVisible as error:
        raise Http404(error.message) from None
    one = values.part(value, key=key, path=path, cut=values.WHOLE)
    is_open = one.kind in {"object", "list"}
    return {
        "channel": channel,
        "part": one,
        "page": values.page(channel.value, path) if is_open else None,
    }


class StatePart(View):
    """What is inside of one value, asked for when somebody opens it."""

    def get(self, request: HttpRequest, thread_key: int) -> HttpResponse:
        """Return a page of the children, or the whole of a text that was cut."""
        thread = found(request, thread_key, "read")
        moment = moment_of(request, thread)
        channel = moment.channel(given(request, "channel")) if moment else None
        if moment is None or channel is None or channel.problem:
            raise Http404("There is no such value at this checkpoint.")
        path = given(request, "path")[:PATH]
        context = {"thread": thread, "channel": channel, "place": query_of(moment), "path": path}
        try:
            if "whole" in request.GET:
                key, value = values.at(channel.value, path, key=channel.name)
                whole = values.part(value, key=key, path=path, cut=values.WHOLE)
                return render(request, "threads/_state_text.html", {**context, "part": whole})
            start = _number(request, "start", 0)
            page = values.page(channel.value, path, start=start)
        except NotVisible as error:
            raise Http404(error.message) from None
        return render(request, "threads/_state_parts.html", {**context, "page": page})


class StateDownload(View):
    """The whole state of a moment as a file."""

    def get(self, request: HttpRequest, thread_key: int) -> HttpResponse:
        """Return the values as JSON, secrets masked; what cannot be read is named."""
        thread = found(request, thread_key, "read")
        moment = moment_of(request, thread)
        if moment is None:
            raise BadRequest("This thread has stored nothing yet.")
        told = {
            "thread_id": thread.public_id,
            "checkpoint_id": moment.outline.checkpoint_id,
            "checkpoint_ns": moment.ns,
            "next": list(moment.next),
            "values": {
                one.name: values.masked(one.value, key=one.name)
                for one in moment.channels
                if not one.problem
            },
            "unreadable": {one.name: one.problem for one in moment.channels if one.problem},
        }
        text = json.dumps(told, indent=2, ensure_ascii=False, default=str)
        headers = {
            "Content-Disposition": f'attachment; filename="state-{thread.pk}.json"',
            "Cache-Control": "no-store",
        }
        return HttpResponse(text, content_type="application/json", headers=headers)

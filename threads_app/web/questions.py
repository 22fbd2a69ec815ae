"""Answer, claim and release the questions of threads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.admin import site
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.views import View

from threadhub.kernel import clock
from threadhub.kernel.adminbase.marks import name_of
from threadhub.kernel.errors import Conflict, Invalid, NotAllowed, NotVisible
from threadhub.kernel.rbac import access
from threads_app.models import Interrupt
from threads_app.services import interrupts, runs

from . import asked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpResponseBase

    from .asked import Card

CONFIRMED = "confirmed"


class QuestionPage(View):
    """One question with its form; what is sent here answers, claims or releases it."""

    def get(self, request: HttpRequest, thread_key: int, question_key: int) -> HttpResponseBase:
        """Show the question, or who answered it."""
        card = _card(request, thread_key, question_key)
        asked.fill(card)
        return _page(request, card)

    def post(self, request: HttpRequest, thread_key: int, question_key: int) -> HttpResponseBase:
        """Do what the button says; what was typed stays until the answer is accepted."""
        card = _card(request, thread_key, question_key)
        if not card.may_answer:
            raise PermissionDenied(card.why)
        act = request.POST.get("act", "")
        if act in {"claim", "release"}:
            return _claimed(request, card, act)
        return _answered(request, card, request.POST)


def _card(request: HttpRequest, thread_key: int, question_key: int) -> Card:
    """Return the question through the one door. Raises Http404."""
    try:
        row = access.get(
            Interrupt.objects.select_related(*asked.RELATED),
            user=request.user,
            action="view",
            telling="read",
            pk=question_key,
            thread_id=thread_key,
        )
    except (NotVisible, NotAllowed) as error:
        raise Http404(error.message) from None
    (card,) = asked.cards(request.user, [row], back=_back(request))
    return card


def _back(request: HttpRequest) -> str:
    """Return where the person came from, if that is a page of this console."""
    given = (request.POST or request.GET).get("back", "")
    is_ours = url_has_allowed_host_and_scheme(given, allowed_hosts=None)
    return given if is_ours and given.startswith(reverse("admin:index")) else ""


def _claimed(request: HttpRequest, card: Card, act: str) -> HttpResponseBase:
    try:
        if act == "claim":
            interrupts.claim(question=card.question, actor=request.user, now=clock.now())
        else:
            interrupts.release(question=card.question, actor=request.user)
    except Conflict:
        card.question.refresh_from_db()
        messages.warning(request, _state(card))
    return HttpResponseRedirect(card.back or card.address, status=303)


def _answered(request: HttpRequest, card: Card, data: Mapping[str, Any]) -> HttpResponseBase:
    form = asked.fill(card, data)
    card.key = data.get("key") or card.key
    if form is None:
        raise PermissionDenied(card.why)
    if form.switch_name in data:
        form.switch()
        return _page(request, card)
    card.has_to_confirm = card.is_anothers and not data.get(CONFIRMED)
    if not form.is_valid() or (_is_open(card) and card.has_to_confirm):
        return _page(request, card, status=409 if card.has_to_confirm else 422)
    try:
        runs.answer(
            question=card.question,
            answer=form.value(),
            actor=request.user,
            now=clock.now(),
            idempotency_key=f"answer:{card.key}"[:255],
        )
    except Conflict:
        card.question.refresh_from_db()
        return _page(request, card, status=409)
    except Invalid as error:
        _refuse(card, error)
        return _page(request, card, status=422)
    messages.success(request, gettext("Your answer was sent. The node starts again."))
    return HttpResponseRedirect(card.back or _thread(card), status=303)


def _refuse(card: Card, error: Invalid) -> None:
    """Put the service's refusal where the person can act on it."""
    assert card.form is not None
    places = [name for name in error.fields or () if name.startswith("answer")]
    for name in places or [""]:
        text = (error.fields or {}).get(name, [error.message])[0]
        card.form.add_error(name.split(".")[1:], text)


def _is_open(card: Card) -> bool:
    return card.question.status == Interrupt.Status.OPEN


def _thread(card: Card) -> str:
    return reverse("admin:threads_app_thread_live", args=[card.question.thread_id])


def _state(card: Card) -> str:
    """Return who was there before, in one sentence."""
    question = card.question
    if question.answered_by and question.answered_at:
        told = gettext("%(who)s answered this question on %(when)s.")
        return told % {"who": name_of(question.answered_by), "when": _when(question.answered_at)}
    if not _is_open(card):
        return gettext("This question was withdrawn: the thread went on without an answer.")
    if question.claimed_by and question.claimed_at:
        told = gettext("%(who)s claimed this question on %(when)s.")
        return told % {"who": name_of(question.claimed_by), "when": _when(question.claimed_at)}
    return ""


def _when(moment: Any) -> str:
    return f"{localtime(moment):%Y-%m-%d %H:%M:%S}"


def _page(request: HttpRequest, card: Card, *, status: int = 200) -> TemplateResponse:
    is_open = _is_open(card)
    typed = card.form.typed if card.form and not is_open else ""
    context = {
        **site.each_context(request),
        "title": card.text if len(card.text) <= asked.SHORT else gettext("Question"),
        "crumbs": [
            (reverse("admin:threads_app_thread_changelist"), gettext("Threads")),
            (_thread(card), str(card.question.thread)),
        ],
        "card": card,
        "is_open": is_open,
        "is_late": status == 409 and not is_open,
        "state": "" if is_open else _state(card),
        "typed": typed,
        "topics": f"thread:{card.question.thread.public_id}",
    }
    return TemplateResponse(request, "threads/question.html", context, status=status)

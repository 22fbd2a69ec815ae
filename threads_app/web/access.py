"""The tab *Access* of a thread: who can do what here and why, and giving and taking it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from django.views import View

from threadhub.kernel import clock
from threadhub.kernel.errors import ThreadHubError
from threadhub.kernel.models import clean_text
from threadhub.kernel.rbac import access, explaining, grants, holders, roles, subjects
from threadhub.kernel.rbac.actions import ACTIONS
from threadhub.kernel.rbac.held import views_everything
from threadhub.kernel.rbac.holders import Holding
from threadhub.kernel.rbac.models import Role, RoleGrant

from .pages import ThreadPage, found

if TYPE_CHECKING:
    from collections.abc import Iterable

    from threads_app.models import Thread

MOST_NAMES = 20
# Effects name at most so many people; all of them are counted.
MOST_NAMED = 20
WORDS = {
    "view": pgettext_lazy("permission", "View"),
    "read": pgettext_lazy("permission", "Read"),
    "write": pgettext_lazy("permission", "Change"),
    "execute": pgettext_lazy("permission", "Run"),
    "delete": pgettext_lazy("permission", "Delete"),
    "manage": pgettext_lazy("permission", "Grant"),
}


class GrantForm(forms.Form):
    """What a grant says; whether the person may give it is the service's to tell."""

    kind = forms.ChoiceField(choices=(("user", _("Person")), ("group", _("Group"))))
    name = forms.CharField(max_length=150)
    role = forms.CharField(max_length=60)
    until = forms.DateTimeField(required=False)
    reason = forms.CharField(max_length=500, required=False)


class AccessPage(ThreadPage):
    """Threads, tab Access."""

    tab = "access"
    needs = "view"
    template = "threads/access.html"

    def content(self, request: HttpRequest, thread: Thread) -> dict[str, Any]:
        """Return the person's own reasons, and to managers and auditors those of everybody."""
        return {**_shown(request, thread), "form": GrantForm()}


def _shown(request: HttpRequest, thread: Thread) -> dict[str, Any]:
    now = clock.now()
    may_manage = access.can(request.user, "manage", thread)
    sees_all = may_manage or views_everything(request.user)
    held = holders.on(thread) if sees_all else []
    visible = _visible_sessions(request, held)
    reasons = explaining.explain(user=request.user, on=thread)
    return {
        "actions": [WORDS[action] for action in ACTIONS],
        "may_manage": may_manage,
        "sees_all": sees_all,
        "holdings": [_row(one, visible, now) for one in held],
        "reasons": reasons,
        "mine": _mine(reasons),
        "roles": [(one.name, _words(one.permissions)) for one in Role.objects.order_by("pk")]
        if may_manage
        else [],
    }


def _visible_sessions(request: HttpRequest, held: list[Holding]) -> set[int]:
    """Return which of the sessions the person may know of; one query, none without sessions."""
    sessions = [one.session for one in held if one.session is not None]
    if not sessions:
        return set()
    rows = type(sessions[0]).objects.visible_to(request.user, "view")
    return set(rows.filter(pk__in=[one.pk for one in sessions]).values_list("pk", flat=True))


def _row(one: Holding, visible: set[int], now: datetime) -> dict[str, Any]:
    return {
        "holding": one,
        "is_future": one.is_future(now),
        "is_over": one.is_over(now),
        "session": one.session if one.session and one.session.pk in visible else None,
        "permits": [action in one.permissions for action in ACTIONS],
        "can_revoke": one.kind == "grant" and one.session is None,
    }


def _mine(reasons: list[explaining.Reason]) -> list[tuple[str, bool]]:
    held = {action for reason in reasons for action in reason.permissions}
    return [(str(WORDS[action]), action in held) for action in ACTIONS]


def _words(actions: Iterable[str]) -> str:
    return ", ".join(str(WORDS[action]) for action in actions)


def _told(effect: holders.Effect) -> dict[str, Any]:
    """Return how many people gain and lose, and what the first of them do."""

    def named(changes: dict[Any, Any]) -> list[tuple[Any, str]]:
        return [(person, _words(changes[person])) for person in list(changes)[:MOST_NAMED]]

    return {
        "effect": effect,
        "gains": named(effect.gains),
        "losses": named(effect.losses),
    }


class GrantPage(ThreadPage):
    """Shows what a grant would change before it is given."""

    tab = "access"
    needs = "manage"
    template = "threads/access.html"

    def content(self, request: HttpRequest, thread: Thread) -> dict[str, Any]:
        """Return the effect of the grant that the address describes."""
        form = GrantForm(request.GET)
        context = {**_shown(request, thread), "form": form}
        if form.is_valid():
            try:
                context |= _told(_effect(thread, form.cleaned_data))
                context["asked"] = form.cleaned_data
            except ThreadHubError as error:
                _blame(form, error)
        return context

    def post(self, request: HttpRequest, thread_key: int) -> HttpResponse:
        """Give the role; what was typed stays beside a refusal."""
        thread = found(request, thread_key, "manage")
        form = GrantForm(request.POST)
        status = 422
        if form.is_valid():
            try:
                given = _grant(request, thread, form.cleaned_data)
            except ThreadHubError as error:
                _blame(form, error)
                status = error.status
            else:
                name = given.user.get_username() if given.user else str(given.group)
                told = {"name": name, "role": given.role.name}
                messages.success(request, gettext("%(name)s is %(role)s here now.") % told)
                return _back(thread)
        context = {**self.frame(request, thread), **_shown(request, thread), "form": form}
        return self.response(request, context, status=status)


def _effect(thread: Thread, asked: dict[str, Any]) -> holders.Effect:
    now = clock.now()
    to = subjects.named(**{asked["kind"]: asked["name"]})
    grants.demand_sound(to=to, starts_at=None, until=asked["until"], now=now)
    role = roles.named(asked["role"])
    given = Holding(
        kind="grant",
        subject=to,
        permissions=role.permissions,
        role=role.name,
        until=asked["until"],
    )
    return holders.of_grant(holders.on(thread), given, now=now)


def _grant(request: HttpRequest, thread: Thread, asked: dict[str, Any]) -> RoleGrant:
    return grants.grant(
        role=asked["role"],
        to=subjects.named(**{asked["kind"]: asked["name"]}),
        on=thread,
        actor=request.user,
        now=clock.now(),
        until=asked["until"],
        reason=asked["reason"],
    )


def _blame(form: GrantForm, error: ThreadHubError) -> None:
    """Put the refusal beside the field it is about; what one may not give is about the role."""
    names = {"user": "name", "group": "name"}
    blamed = next(iter(error.fields or {"role": ()}))
    name = names.get(blamed, blamed)
    form.add_error(name if name in form.fields else None, error.message)


def _back(thread: Thread) -> HttpResponse:
    address = reverse("admin:threads_app_thread_access", args=[thread.pk])
    response = HttpResponseRedirect(address)
    response.status_code = 303
    return response


class RevokePage(ThreadPage):
    """Shows who loses what before a grant is taken away."""

    tab = "access"
    needs = "manage"
    template = "threads/access.html"

    def content(self, request: HttpRequest, thread: Thread) -> dict[str, Any]:
        """Return the effect; raises Http404 for a grant that is not of this thread."""
        given = _given(thread, request.GET.get("grant", ""))
        effect = holders.of_revoking(holders.on(thread), given.pk, now=clock.now())
        context = {**_shown(request, thread), "form": GrantForm()}
        return {**context, **_told(effect), "revoking": given}

    def post(self, request: HttpRequest, thread_key: int) -> HttpResponse:
        """Take the grant away."""
        thread = found(request, thread_key, self.needs)
        given = _given(thread, request.POST.get("grant", ""))
        reason = clean_text(request.POST.get("reason", ""))[:500]
        try:
            grants.revoke(grant=given, actor=request.user, reason=reason)
        except ThreadHubError as error:
            messages.error(request, error.message)
            return _back(thread)
        name = given.user.get_username() if given.user else str(given.group)
        told = {"name": name, "role": given.role.name}
        messages.success(request, gettext("%(name)s is not %(role)s here any more.") % told)
        return _back(thread)


def _given(thread: Thread, grant_key: str) -> RoleGrant:
    rows = RoleGrant.objects.select_related("role", "user", "group", "session", "thread")
    known = grant_key.isascii() and grant_key.isdigit() and len(grant_key) < 18
    given = rows.filter(pk=int(grant_key), thread=thread).first() if known else None
    if given is None:
        raise Http404(gettext("There is no such grant."))
    return given


class People(View):
    """Names that complete what is typed into the form; only who may grant here sees any."""

    def get(self, request: HttpRequest, thread_key: int) -> HttpResponse:
        """Return options for the names that begin with the typed text."""
        found(request, thread_key, "manage")
        typed = clean_text(request.GET.get("name", "")).strip()
        options = _named(request.GET.get("kind", "user"), typed) if typed else []
        return render(request, "threads/_access_names.html", {"options": options})


def _named(kind: str, typed: str) -> list[tuple[str, str]]:
    if kind == "group":
        groups = Group.objects.filter(name__istartswith=typed).order_by("name")[:MOST_NAMES]
        return [(group.name, "") for group in groups]
    begins = Q(username__istartswith=typed) | Q(first_name__istartswith=typed)
    begins |= Q(last_name__istartswith=typed)
    people = get_user_model()._default_manager.filter(begins, is_active=True)
    chosen = people.order_by("username")[:MOST_NAMES]
    return [(one.get_username(), one.get_full_name()) for one in chosen]

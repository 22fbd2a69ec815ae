"""Pages of the console that are no lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model, login
from django.contrib.auth.mixins import LoginRequiredMixin
from django.db.models import Model
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache

from threadhub.kernel import clock
from threadhub.kernel.people import links
from threadhub.kernel.rbac import access

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse, HttpResponseBase

BACKEND = "django.contrib.auth.backends.ModelBackend"


@method_decorator(never_cache, name="dispatch")
class SignInView(View):
    """The one-time link that the server prints at its start."""

    def get(self, request: HttpRequest, token: str) -> HttpResponseBase:
        """Sign the person in and lead to the console; a used link says so."""
        user_id = links.redeem(token, now=clock.now())
        people = get_user_model()._default_manager.filter(is_active=True)
        user = people.filter(pk=user_id).first() if user_id else None
        if user is None:
            return render(request, "console/sign_in_link_used.html", status=410)
        login(request, user, backend=BACKEND)
        return redirect("/console/")


class ShortView(LoginRequiredMixin, View):
    """An address short enough to write down, which leads to the page of a protected object."""

    model: type[Model] = Model
    page: str = ""

    def get(self, request: HttpRequest, public_id: object) -> HttpResponse:
        """Lead to the page. Raises NotVisible, the same for missing and hidden."""
        rows: Any = self.model._default_manager.all()
        found = access.get(rows, user=request.user, action="view", public_id=public_id)
        return redirect(self.page, found.pk)

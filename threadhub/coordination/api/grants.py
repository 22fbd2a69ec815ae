"""Routes about who may do what: on a thread, on a session, everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from sessions_app.models import Session
from threadhub.kernel import clock
from threadhub.kernel.api.views import ProtectedView, queried, validated
from threadhub.kernel.errors import NotAllowed, NotVisible
from threadhub.kernel.rbac import access, everywhere, explaining, grants, subjects
from threadhub.kernel.rbac.held import views_everything
from threadhub.kernel.rbac.models import GlobalGrant, RoleGrant
from threads_app.api.outputs import ErrorOutput
from threads_app.models import Thread

from . import grant_shapes as shapes

if TYPE_CHECKING:
    from rest_framework.request import Request

LIST_LIMIT = 1000
RELATED = ("role", "user", "group", "grantor")
ERRORS = {403: ErrorOutput, 404: ErrorOutput, 422: ErrorOutput}


class SharedRoute(ProtectedView):
    """A route below a thread or a session."""

    # The column of a grant that says what it is about.
    target: ClassVar[str]

    def find_shared(self, public_id: str) -> Any:
        """Return the thread or session. Raises NotVisible, NotAllowed."""
        if self.protected is Thread:
            return self.find(public_id=public_id.replace("\x00", "\ufffd"))
        try:
            return self.find(public_id=UUID(public_id))
        except ValueError:
            raise NotVisible("There is no such session.") from None


class GrantsView(SharedRoute):
    """/{threads,sessions}/{id}/grants."""

    needs = {"GET": "view", "POST": "manage"}

    @extend_schema(responses={200: shapes.GrantOutput(many=True), **ERRORS})
    def get(self, request: Request, public_id: str) -> Response:
        """Return what was granted here, oldest first; see `access` for what reaches it too."""
        on = self.find_shared(public_id)
        given = RoleGrant.objects.filter(**{self.target: on}).select_related(*RELATED)
        return Response([shapes.grant(row) for row in given.order_by("pk")[:LIST_LIMIT]])

    @extend_schema(request=shapes.GrantInput, responses={201: shapes.GrantOutput, **ERRORS})
    def post(self, request: Request, public_id: str) -> Response:
        """Grant a role to a person or a group; granting it again changes when it ends."""
        on = self.find_shared(public_id)
        given = validated(shapes.GrantInput, request)
        to = subjects.named(user=given.pop("user", None), group=given.pop("group", None))
        made = grants.grant(**given, to=to, on=on, actor=request.user, now=clock.now())
        return Response(shapes.grant(made), status=201)


class GrantView(SharedRoute):
    """/{threads,sessions}/{id}/grants/{grant}."""

    needs = {"DELETE": "manage"}

    @extend_schema(responses={204: None, **ERRORS})
    def delete(self, request: Request, public_id: str, grant_key: int) -> Response:
        """Take a grant away."""
        on = self.find_shared(public_id)
        given = RoleGrant.objects.filter(pk=grant_key, **{self.target: on}).first()
        if given is None:
            raise NotVisible("There is no such grant.")
        grants.revoke(grant=given, actor=request.user)
        return Response(status=204)


class AccessView(SharedRoute):
    """/{threads,sessions}/{id}/access."""

    needs = {"GET": "view"}

    @extend_schema(parameters=[shapes.AccessQuery], responses={200: shapes.AccessOutput, **ERRORS})
    def get(self, request: Request, public_id: str) -> Response:
        """Say what a person may do here and why; about others to those who manage or audit."""
        on = self.find_shared(public_id)
        name = queried(shapes.AccessQuery, request).get("user") or request.user.get_username()
        if name != request.user.get_username():
            self._demand_more(on)
        user = subjects.named(user=name)
        return Response(shapes.access(user, explaining.explain(user=user, on=on)))

    def _demand_more(self, on: Any) -> None:
        if not views_everything(self.request.user):
            access.demand(self.request.user, "manage", on)


class GlobalGrantsView(ProtectedView):
    """/grants."""

    @extend_schema(responses={200: shapes.GrantOutput(many=True), 403: ErrorOutput})
    def get(self, request: Request) -> Response:
        """Return the roles held everywhere, to people who may view everything."""
        if not views_everything(request.user):
            raise NotAllowed("Only people who may view everything see who else may.")
        given = GlobalGrant.objects.select_related(*RELATED).order_by("pk")
        return Response([shapes.grant(row) for row in given[:LIST_LIMIT]])

    @extend_schema(request=shapes.GrantInput, responses={201: shapes.GrantOutput, **ERRORS})
    def post(self, request: Request) -> Response:
        """Grant a role everywhere; superusers only."""
        everywhere.demand_superuser(request.user)
        given = validated(shapes.GrantInput, request)
        to = subjects.named(user=given.pop("user", None), group=given.pop("group", None))
        made = everywhere.grant_everywhere(**given, to=to, actor=request.user, now=clock.now())
        return Response(shapes.grant(made), status=201)


class GlobalGrantView(ProtectedView):
    """/grants/{grant}."""

    @extend_schema(responses={204: None, **ERRORS})
    def delete(self, request: Request, grant_key: int) -> Response:
        """Take a role held everywhere away; superusers only."""
        everywhere.demand_superuser(request.user)
        given = GlobalGrant.objects.filter(pk=grant_key).first()
        if given is None:
            raise NotVisible("There is no such grant.")
        everywhere.revoke_everywhere(grant=given, actor=request.user)
        return Response(status=204)


class ThreadGrantsView(GrantsView):
    """/threads/{id}/grants."""

    protected, target = Thread, "thread"


class ThreadGrantView(GrantView):
    """/threads/{id}/grants/{grant}."""

    protected, target = Thread, "thread"


class ThreadAccessView(AccessView):
    """/threads/{id}/access."""

    protected, target = Thread, "thread"


class SessionGrantsView(GrantsView):
    """/sessions/{id}/grants."""

    protected, target = Session, "session"


class SessionGrantView(GrantView):
    """/sessions/{id}/grants/{grant}."""

    protected, target = Session, "session"


class SessionAccessView(AccessView):
    """/sessions/{id}/access."""

    protected, target = Session, "session"


urlpatterns = [
    path("threads/<str:public_id>/grants", ThreadGrantsView.as_view()),
    path("threads/<str:public_id>/grants/<int:grant_key>", ThreadGrantView.as_view()),
    path("threads/<str:public_id>/access", ThreadAccessView.as_view()),
    path("sessions/<str:public_id>/grants", SessionGrantsView.as_view()),
    path("sessions/<str:public_id>/grants/<int:grant_key>", SessionGrantView.as_view()),
    path("sessions/<str:public_id>/access", SessionAccessView.as_view()),
    path("grants", GlobalGrantsView.as_view()),
    path("grants/<int:grant_key>", GlobalGrantView.as_view()),
]

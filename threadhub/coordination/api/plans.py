"""Routes about plans."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from sessions_app.models import Plan
from threadhub.coordination import plans
from threadhub.kernel import clock
from threadhub.kernel.api.idempotency import key_of
from threadhub.kernel.api.pagination import latest, respond
from threadhub.kernel.api.views import queried
from threadhub.kernel.rbac import access

from . import inputs, outputs
from .routes import CONFLICTS, ERRORS, PlanRoute, SessionRoute

if TYPE_CHECKING:
    from rest_framework.request import Request


class PlansView(SessionRoute):
    """/sessions/{session_id}/plans."""

    needs = {"GET": "view", "POST": "execute"}

    @extend_schema(
        operation_id="list_plans",
        parameters=[inputs.PageQuery],
        responses={200: outputs.PlanPageOutput, **ERRORS},
    )
    def get(self, request: Request, session_id: str) -> Response:
        """Return the session's plans, newest first."""
        session = self.find_session(session_id)
        given = queried(inputs.PageQuery, request)
        found = Plan.objects.visible_to(request.user, "view").filter(session=session)
        rows, following = latest(
            found.select_related("actor"),
            limit=given["limit"],
            cursor=given["cursor"],
            column="created_at",
        )
        return Response({"items": [outputs.plan(row) for row in rows], "next": following})

    @extend_schema(
        operation_id="start_plan",
        request=None,
        responses={202: outputs.PlanDetailOutput, **CONFLICTS},
    )
    def post(self, request: Request, session_id: str) -> Response:
        """Start a plan; the same `Idempotency-Key` returns the one that exists."""
        session = self.find_session(session_id)
        key = key_of(request)
        plan = plans.start(session=session, actor=request.user, now=clock.now(), key=key)
        # Its first threads have been started in the meantime.
        plan = access.get(
            Plan.objects.select_related("actor"), user=request.user, action="view", pk=plan.pk
        )
        is_told = outputs.is_told(session)
        place = {"Location": f"/sessions/{session.public_id}/plans/{plan.public_id}"}
        return respond(outputs.plan_detail(plan, is_told=is_told), place, status=202)


class PlanView(PlanRoute):
    """/sessions/{session_id}/plans/{plan_id}."""

    needs = {"GET": "read"}

    @extend_schema(operation_id="get_plan", responses={200: outputs.PlanDetailOutput, **ERRORS})
    def get(self, request: Request, session_id: str, plan_id: str) -> Response:
        """Return a plan with what it has made of each thread."""
        plan = self.find_plan(session_id, plan_id)
        return Response(outputs.plan_detail(plan, is_told=outputs.is_told(plan)))


class PlanCancelView(PlanRoute):
    """/sessions/{session_id}/plans/{plan_id}/cancel."""

    needs = {"POST": "execute"}

    @extend_schema(
        operation_id="cancel_plan",
        request=None,
        responses={202: outputs.PlanDetailOutput, **CONFLICTS},
    )
    def post(self, request: Request, session_id: str, plan_id: str) -> Response:
        """Cancel a plan: nothing more is started, and what runs is asked to stop."""
        plan = self.find_plan(session_id, plan_id)
        cancelled = plans.cancel(plan=plan, actor=request.user, now=clock.now())
        is_told = outputs.is_told(plan)
        return Response(outputs.plan_detail(cancelled, is_told=is_told), status=202)

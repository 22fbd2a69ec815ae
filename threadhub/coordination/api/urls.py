"""The addresses of sessions, below /api."""

from __future__ import annotations

from django.urls import path

from . import members, plans, sessions, streams

SESSION = "sessions/<str:session_id>"
MEMBER = f"{SESSION}/threads/<str:name>"
PLAN = f"{SESSION}/plans/<str:plan_id>"

urlpatterns = [
    path("sessions", sessions.SessionsView.as_view()),
    path(SESSION, sessions.SessionView.as_view()),
    path(f"{SESSION}/archive", sessions.ArchiveView.as_view()),
    path(f"{SESSION}/unarchive", sessions.UnarchiveView.as_view()),
    path(f"{SESSION}/stream", streams.SessionStreamView.as_view()),
    path(f"{SESSION}/threads", members.MembersView.as_view()),
    path(MEMBER, members.MemberView.as_view()),
    path(f"{MEMBER}/runs", members.MemberRunsView.as_view()),
    path(f"{MEMBER}/runs/stream", members.MemberRunStreamView.as_view()),
    path(f"{MEMBER}/runs/wait", members.MemberRunWaitView.as_view()),
    path(f"{MEMBER}/state", members.MemberStateView.as_view()),
    path(f"{MEMBER}/stream", members.MemberStreamView.as_view()),
    path(f"{SESSION}/plans", plans.PlansView.as_view()),
    path(PLAN, plans.PlanView.as_view()),
    path(f"{PLAN}/cancel", plans.PlanCancelView.as_view()),
]

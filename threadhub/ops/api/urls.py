"""The addresses about operations and the live protocol, below /api."""

from __future__ import annotations

from django.urls import path

from . import live, views

OPERATION = "operations/<uuid:operation_id>"

urlpatterns = [
    path("live", live.LiveView.as_view()),
    path("operations", views.OperationsView.as_view()),
    path(OPERATION, views.OperationView.as_view()),
    path(f"{OPERATION}/cancel", views.OperationCancelView.as_view()),
    path(f"{OPERATION}/resume", views.OperationResumeView.as_view()),
    path(f"{OPERATION}/stream", views.OperationStreamView.as_view()),
]

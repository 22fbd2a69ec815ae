"""The addresses about operations, below /api."""

from __future__ import annotations

from django.urls import path

from . import views

OPERATION = "operations/<uuid:operation_id>"

urlpatterns = [
    path("operations", views.OperationsView.as_view()),
    path(OPERATION, views.OperationView.as_view()),
    path(f"{OPERATION}/cancel", views.OperationCancelView.as_view()),
    path(f"{OPERATION}/resume", views.OperationResumeView.as_view()),
    path(f"{OPERATION}/stream", views.OperationStreamView.as_view()),
]

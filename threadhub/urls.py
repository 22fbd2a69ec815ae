"""The address table."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView
from django.views.i18n import set_language
from drf_spectacular.views import SpectacularAPIView

from sessions_app.models import Session
from threadhub.console.views import ShortView, SignInView
from threadhub.kernel.api import errors
from threadhub.kernel.operations.models import Operation
from threadhub.ops import views
from threads_app.models import Thread

threads = ShortView.as_view(model=Thread, page="admin:threads_app_thread_live")
sessions = ShortView.as_view(model=Session, page="admin:sessions_app_session_change")
operations = ShortView.as_view(model=Operation, page="admin:threadhub_operation_change")

urlpatterns = [
    path("", RedirectView.as_view(url="/console/")),
    # Before the console, which takes every address below its own.
    path("console/language/", set_language, name="set_language"),
    path("console/", admin.site.urls),
    path("sign-in/<str:token>", SignInView.as_view(), name="sign-in"),
    path("t/<str:public_id>", threads, name="short-thread"),
    path("s/<uuid:public_id>", sessions, name="short-session"),
    path("o/<uuid:public_id>", operations, name="short-operation"),
    path("ok", views.ok),
    path("api/ok", views.ok),
    path("api/info", views.info),
    path("api/schema", SpectacularAPIView.as_view(), name="api-schema"),
    path("api/", include("threadhub.coordination.api.grants")),
    path("api/", include("threads_app.api.urls")),
    path("api/", include("threadhub.coordination.api.urls")),
    path("api/", include("threadhub.ops.api.urls")),
    re_path(r"^api(/.*)?$", errors.not_found),
]

handler400 = "threadhub.console.errors.malformed"
handler403 = "threadhub.console.errors.not_allowed"
handler404 = "threadhub.console.errors.not_found"
handler500 = "threadhub.console.errors.failed"

"""The address table."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView

from threadhub.console.views import SignInView
from threadhub.kernel.api import errors
from threadhub.ops import views

urlpatterns = [
    path("", RedirectView.as_view(url="/console/")),
    path("console/", admin.site.urls),
    path("sign-in/<str:token>", SignInView.as_view(), name="sign-in"),
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

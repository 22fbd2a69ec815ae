"""Every way in declares who may use it: routes, tasks and admin actions."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

from celery import current_app
from django.contrib import admin
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.permissions import AllowAny
from rest_framework.views import APIView

from architecture.source_tree import PACKAGES
from threadhub.kernel.rbac.querysets import ProtectedQuerySet

# Answered without signing in, and why that harms nobody.
PUBLIC = {
    "ok": "Says that the process answers.",
    "api/ok": "Says that the process answers.",
    "api/info": "Says which version answers; clients ask before they sign in.",
}
DOOR = re.compile(r"\b(visible_to|access\.get)\(")


def routes() -> dict[str, object]:
    return dict(_routes("", get_resolver().url_patterns))


def _routes(prefix: str, patterns: list[URLPattern | URLResolver]) -> Iterator[tuple[str, object]]:
    for pattern in patterns:
        path = prefix + str(pattern.pattern).lstrip("^").rstrip("$")
        if isinstance(pattern, URLResolver):
            yield from _routes(path, pattern.url_patterns)
        else:
            yield path, pattern.callback


def api_views() -> dict[str, type[APIView] | None]:
    """Every route of ours below /api with its view class; None for a plain function."""
    return {
        path: getattr(callback, "cls", None) or getattr(callback, "view_class", None)
        for path, callback in routes().items()
        if path.startswith("api/") and path not in PUBLIC
    }


def own_views() -> dict[str, type[APIView]]:
    return {
        path: view
        for path, view in api_views().items()
        if view is not None and view.__module__.split(".")[0] in PACKAGES
    }


def own_source(view: type) -> str:
    ours = [base for base in view.__mro__ if base.__module__.split(".")[0] in PACKAGES]
    return "".join(inspect.getsource(base) for base in ours)


def test_there_are_routes_to_look_at() -> None:
    assert api_views()


def test_every_route_is_a_view_with_a_permission_rule() -> None:
    open_routes = [
        path
        for path, view in api_views().items()
        if view is None
        or not getattr(view, "permission_classes", ())
        or AllowAny in view.permission_classes
    ]

    assert open_routes == []


def test_every_view_names_the_protected_model_it_serves_or_none() -> None:
    undeclared = [path for path, view in own_views().items() if not hasattr(view, "protects")]

    assert undeclared == []


def test_every_view_of_a_protected_model_goes_through_the_door() -> None:
    for path, view in own_views().items():
        if view.protects is not None:
            queryset = view.protects._default_manager.all()
            assert isinstance(queryset, ProtectedQuerySet), path
            assert DOOR.search(own_source(view)), f"{path}: {view.__name__} asks nobody"


def own_tasks() -> dict[str, object]:
    current_app.loader.import_default_modules()
    return {
        name: task
        for name, task in current_app.tasks.items()
        if type(task).__module__.split(".")[0] in PACKAGES
        or task.__module__.split(".")[0] in PACKAGES
    }


def test_there_are_tasks_to_look_at() -> None:
    assert own_tasks()


def test_every_task_has_a_name_of_its_own_and_a_queue() -> None:
    wrong = [
        name
        for name, task in own_tasks().items()
        if not re.fullmatch(r"[a-z]+\.[a-z_]+", name) or not getattr(task, "queue", None)
    ]

    assert wrong == []


def test_every_task_takes_keywords_only() -> None:
    allowed = {inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD}
    positional = [
        f"{name}({parameter})"
        for name, task in own_tasks().items()
        for parameter in inspect.signature(task.run).parameters.values()
        if parameter.kind not in allowed and parameter.name != "self"
    ]

    assert positional == []


def test_every_admin_action_declares_permissions() -> None:
    undeclared = [
        f"{type(model_admin).__name__}.{name}"
        for model_admin in admin.site._registry.values()
        for function, name, _ in model_admin._get_base_actions()
        if not getattr(function, "allowed_permissions", ())
    ]

    assert undeclared == []

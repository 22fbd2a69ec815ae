"""Every way in declares who may use it: routes, tasks and admin actions."""

from __future__ import annotations

import inspect
import re

from celery import current_app
from django.contrib import admin
from rest_framework.permissions import AllowAny

from architecture.address_table import PUBLIC, methods_of, own_views, routes
from architecture.source_tree import PACKAGES
from threadhub.kernel.api.views import ProtectedView
from threadhub.kernel.rbac.querysets import ProtectedQuerySet

DOOR = re.compile(r"\b(self\.find|self\.visible|visible_to|access\.get)\(")


def own_source(view: type[ProtectedView]) -> str:
    ours = [base for base in view.__mro__ if base.__module__.split(".")[0] in PACKAGES]
    # Views made by `type()` have no source of their own; what they are made from has.
    written = [base for base in ours if getattr(inspect.getmodule(base), base.__name__) is base]
    return "".join(inspect.getsource(base) for base in written if base is not ProtectedView)


def test_every_route_has_a_permission_rule_or_is_listed_as_public() -> None:
    rules = {path: getattr(view, "permission_classes", ()) for path, view in routes().items()}
    without = {path for path, classes in rules.items() if not classes or AllowAny in classes}

    assert without == set(PUBLIC)


def test_every_route_of_ours_is_built_on_the_protected_view() -> None:
    assert own_views()
    strangers = [path for path, view in own_views() if not issubclass(view, ProtectedView)]

    assert strangers == []


def test_every_method_on_a_protected_model_names_the_permission_it_needs() -> None:
    undeclared = [
        f"{path}: {sorted(methods_of(view) ^ set(view.needs))}"
        for path, view in own_views()
        if view.protected is not None and methods_of(view) != set(view.needs)
    ]

    assert undeclared == []


def test_every_view_of_a_protected_model_goes_through_the_door() -> None:
    past = [
        f"{path}: {view.__name__}"
        for path, view in own_views()
        if view.protected is not None
        if not isinstance(view.protected._default_manager.all(), ProtectedQuerySet)
        or not DOOR.search(own_source(view))
    ]

    assert past == []


def own_tasks() -> dict[str, object]:
    current_app.loader.import_default_modules()
    return {
        name: task
        for name, task in current_app.tasks.items()
        if type(task).__module__.split(".")[0] in PACKAGES
        or task.__module__.split(".")[0] in PACKAGES
    }


def routed(name: str) -> str | None:
    return (current_app.conf.task_routes or {}).get(name, {}).get("queue")


def test_there_are_tasks_to_look_at() -> None:
    assert own_tasks()


def test_every_task_has_a_name_of_its_own_and_a_queue() -> None:
    wrong = [
        name
        for name, task in own_tasks().items()
        if not re.fullmatch(r"[a-z]+\.[a-z_]+", name)
        or not (getattr(task, "queue", None) or routed(name))
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

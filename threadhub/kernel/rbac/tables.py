"""Where the permission rows of a protected model are."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import cast

from django.apps import apps
from django.db import models

from .models import GroupPermission, UserPermission

Model = type[models.Model]


@dataclass(frozen=True, slots=True)
class Tables:
    """The two tables of what people and groups hold on the objects of one model."""

    user: type[UserPermission]
    group: type[GroupPermission]


@cache
def of(model: Model) -> Tables | None:
    """Return the tables of a model, None for one that has owners only."""
    pointing = [relation.related_model for relation in model._meta.related_objects]
    user = [found for found in pointing if issubclass(found, UserPermission)]
    group = [found for found in pointing if issubclass(found, GroupPermission)]
    return Tables(user[0], group[0]) if user and group else None


@cache
def every() -> tuple[Tables, ...]:
    """Return the tables of all models that can be shared."""
    return tuple(found for model in apps.get_models() if (found := of(model)) is not None)


@cache
def anchor(model: Model, path: str) -> Model:
    """Return the model at the end of a path of foreign keys; the model itself for no path."""
    for name in filter(None, path.split("__")):
        model = _related(model, name)
    return model


def target(permission_rows: Model) -> Model:
    """Return the model that the rows of a table are about."""
    return _related(permission_rows, "content_object")


def _related(model: Model, name: str) -> Model:
    return cast("Model", model._meta.get_field(name).related_model)

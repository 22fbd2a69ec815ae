"""How each model is recorded, declared in the `audit.py` of its app."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from auditlog.registry import auditlog

if TYPE_CHECKING:
    from django.db import models


@dataclass(frozen=True, slots=True)
class Declaration:
    """How a model's changes are recorded, and why that way."""

    how: Literal["fields", "acts", "machinery"]
    why: str


_declared: dict[type[models.Model], Declaration] = {}


def fields(
    model: type[models.Model],
    *,
    mask: Sequence[str] = (),
    exclude: Sequence[str] = (),
    many: Sequence[str] = (),
) -> None:
    """Record every saved change of the model's fields; `mask` hides values, `exclude` fields.

    `many` names many-to-many fields to record too.
    """
    auditlog.register(
        model, mask_fields=list(mask), exclude_fields=list(exclude), m2m_fields=set(many)
    )
    _declared[model] = Declaration("fields", "")


def acts(model: type[models.Model], *, why: str) -> None:
    """Record the acts on the model, written by services, rather than its fields."""
    _declared[model] = Declaration("acts", why)


def machinery_model(model: type[models.Model], *, why: str) -> None:
    """Leave the model unrecorded: rows that only follow from recorded acts."""
    _declared[model] = Declaration("machinery", why)


def declared(model: type[models.Model]) -> Declaration | None:
    """Return how the model is recorded, None when nobody said."""
    return _declared.get(model)

"""Field types and the queryset every table of ThreadHub is built on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeVar

from django.core.exceptions import ValidationError
from django.db import models

from .errors import Invalid

ModelT = TypeVar("ModelT", bound=models.Model)

# Generic in the type stubs only.
if TYPE_CHECKING:
    _Text = models.TextField[Any, Any]
    _Json = models.JSONField[Any, Any]
else:
    _Text, _Json = models.TextField, models.JSONField

METADATA_MAX_BYTES = 64 * 1024
METADATA_MAX_DEPTH = 12

_bulk_allowed: ContextVar[str | None] = ContextVar("threadhub_bulk_allowed", default=None)


class UnrecordedChange(RuntimeError):
    """A bulk write that would leave no audit entry and did not say why."""


@contextmanager
def bulk_writes(why: str) -> Iterator[None]:
    """Admit bulk writes on recorded querysets; opened by the kernel's audit only."""
    token = _bulk_allowed.set(why)
    try:
        yield
    finally:
        _bulk_allowed.reset(token)


def _demand_permission(queryset: models.QuerySet[Any], verb: str) -> None:
    if _bulk_allowed.get() is None:
        raise UnrecordedChange(
            f"{queryset.model.__name__}.{verb} leaves no audit entry: open acts.act() for a "
            "person's change, or audit.machinery(why) for bookkeeping."
        )


class RecordedQuerySet(models.QuerySet[ModelT]):
    """A queryset whose bulk writes, which signals never see, must be admitted first."""

    def update(self, **values: Any) -> int:
        """Update in bulk. Raises UnrecordedChange outside an act or machinery."""
        _demand_permission(self, "update")
        return super().update(**values)

    update.alters_data = True  # type: ignore[attr-defined]

    def bulk_create(self, *args: Any, **kwargs: Any) -> list[ModelT]:
        """Insert in bulk. Raises UnrecordedChange outside an act or machinery."""
        _demand_permission(self, "bulk_create")
        return super().bulk_create(*args, **kwargs)

    def bulk_update(self, *args: Any, **kwargs: Any) -> int:
        """Update many rows. Raises UnrecordedChange outside an act or machinery."""
        _demand_permission(self, "bulk_update")
        return super().bulk_update(*args, **kwargs)

    def delete(self) -> tuple[int, dict[str, int]]:
        """Delete in bulk. Raises UnrecordedChange outside an act or machinery."""
        _demand_permission(self, "delete")
        return super().delete()

    # Without these Django would offer Model.objects.delete() and run it in templates.
    delete.queryset_only = True  # type: ignore[attr-defined]
    delete.alters_data = True  # type: ignore[attr-defined]


RecordedManager = models.Manager.from_queryset(RecordedQuerySet)


class JsonText(_Text):
    """Any JSON value as ASCII text: NUL and lone surrogates survive on every database.

    Not searchable by key; use MetadataField for what people filter by. NaN and infinity,
    which JSON lacks, are refused.
    """

    # What the type stubs take for the values given to a field.
    _pyi_private_set_type: Any

    def from_db_value(self, value: str | None, *_: Any) -> Any:
        """Return the Python value of a stored text."""
        return None if value is None else json.loads(value)

    def get_prep_value(self, value: Any) -> str | None:
        """Return the text to store."""
        if value is None:
            return None
        return json.dumps(value, separators=(",", ":"), allow_nan=False)

    def value_to_string(self, obj: models.Model) -> str:
        """Return the text used by fixtures."""
        return self.get_prep_value(self.value_from_object(obj)) or ""


def clean_text(text: str) -> str:
    """Return the text with NUL and lone surrogates replaced by U+FFFD, which databases refuse."""
    text = text.replace("\x00", "\ufffd")
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _clean(value: Any, depth: int) -> Any:
    if depth > METADATA_MAX_DEPTH:
        raise Invalid(f"Metadata is nested more than {METADATA_MAX_DEPTH} levels deep.")
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, dict):
        return {clean_text(str(key)): _clean(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_clean(item, depth + 1) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    raise Invalid(f"Metadata holds a {type(value).__name__}, which JSON cannot.")


def clean_metadata(value: Any) -> dict[str, Any]:
    """Return metadata fit to store. Raises Invalid for a non-object, too large or too deep."""
    if not isinstance(value, dict):
        raise Invalid("Metadata must be a JSON object.")
    cleaned: dict[str, Any] = _clean(value, 1)
    try:
        size = len(json.dumps(cleaned, allow_nan=False).encode())
    except ValueError:
        raise Invalid("Metadata holds a number that JSON cannot write (NaN or infinity).") from None
    if size > METADATA_MAX_BYTES:
        raise Invalid(f"Metadata has {size} bytes; at most {METADATA_MAX_BYTES} are kept.")
    return cleaned


def _validate_metadata(value: Any) -> None:
    try:
        clean_metadata(value)
    except Invalid as error:
        raise ValidationError(error.message, code=error.code) from error


class MetadataField(_Json):
    """A JSON object that people write and filter by, limited in size and depth."""

    default_validators = [_validate_metadata]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("default", dict)
        kwargs.setdefault("blank", True)
        super().__init__(*args, **kwargs)

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:  # noqa: FBT001, FBT002  # Django's signature
        """Return the value to store, cleaned. Raises Invalid."""
        if isinstance(value, dict):
            value = clean_metadata(value)
        return super().get_db_prep_value(value, connection, prepared)

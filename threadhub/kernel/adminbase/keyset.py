"""Pages of a list found by the values of their last row, so that none costs more than the first."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib.admin.utils import get_fields_from_path
from django.core.exceptions import ValidationError
from django.db.models import F, Q

from threadhub.kernel.models import clean_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db import models
    from django.db.models import OrderBy, QuerySet


class UnknownPlace(ValueError):
    """The text is no place in this list."""


@dataclass(frozen=True, slots=True)
class Key:
    """One value that rows are ordered by; missing values count as the smallest.

    Databases differ in where they put NULL, so nullable columns say it themselves.
    """

    path: str
    field: models.Field[Any, Any]
    is_descending: bool
    is_nullable: bool

    def order(self, *, backwards: bool) -> OrderBy:
        """Return what to order by."""
        if self.is_descending != backwards:
            return F(self.path).desc(nulls_last=self.is_nullable or None)
        return F(self.path).asc(nulls_first=self.is_nullable or None)

    def beyond(self, value: Any, *, backwards: bool) -> Q:
        """Return the condition for rows that come after those with this value."""
        if self.is_descending == backwards:
            above = {"isnull": False} if value is None else {"gt": value}
            return Q(**{f"{self.path}__{lookup}": given for lookup, given in above.items()})
        if value is None:
            return Q(pk__in=[])
        missing = Q(**{f"{self.path}__isnull": True}) if self.is_nullable else Q()
        return missing | Q(**{f"{self.path}__lt": value})

    def reach(self, value: Any, *, backwards: bool) -> Q:
        """Return the range of an index to begin in, which no `or` of conditions gives."""
        if self.is_nullable:
            return Q()
        lookup = "gte" if self.is_descending == backwards else "lte"
        return Q(**{f"{self.path}__{lookup}": value})

    def same(self, value: Any) -> Q:
        """Return the condition for rows with this value."""
        if value is None:
            return Q(**{f"{self.path}__isnull": True})
        return Q(**{self.path: value})

    def read(self, given: Any) -> Any:
        """Return the value that a place tells. Raises ValueError, ValidationError."""
        if given is None and not self.is_nullable:
            raise ValueError("This column always has a value.")
        if isinstance(given, str) and clean_text(given) != given:
            raise ValueError("No column holds such a text.")
        return None if given is None else self.field.to_python(given)

    def of(self, row: models.Model) -> Any:
        """Return the row's value."""
        found: Any = row
        for name in self.path.split("__"):
            found = getattr(found, name, None)
        return found


def keys(rows: QuerySet[Any], ordering: Sequence[str]) -> list[Key]:
    """Return the keys of an ordering such as `-updated_at`, annotations included."""
    return [_key(rows, name.removeprefix("-"), name.startswith("-")) for name in ordering]


def _key(rows: QuerySet[Any], path: str, is_descending: bool) -> Key:  # noqa: FBT001  # a sign
    if path in rows.query.annotations:
        field = rows.query.annotations[path].output_field
        return Key(path, field, is_descending, is_nullable=True)
    path = rows.model._meta.pk.name if path == "pk" else path
    found = get_fields_from_path(rows.model, path)
    is_nullable = any(getattr(field, "null", False) for field in found)
    return Key(path, found[-1], is_descending, is_nullable)


def beyond(wanted: Sequence[Key], place: str, *, backwards: bool) -> Q:
    """Return the condition for rows after a place, or before it. Raises UnknownPlace."""
    values = _values(wanted, place)
    found, same = Q(pk__in=[]), Q()
    for key, value in zip(wanted, values, strict=True):
        found |= same & key.beyond(value, backwards=backwards)
        same &= key.same(value)
    return wanted[0].reach(values[0], backwards=backwards) & found


def place(wanted: Sequence[Key], row: models.Model) -> str:
    """Return the text that names a row's place in the list."""
    text = json.dumps([key.of(row) for key in wanted], default=_plain, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _plain(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _values(wanted: Sequence[Key], text: str) -> list[Any]:
    try:
        found = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        pairs = zip(wanted, found, strict=True)
        return [key.read(value) for key, value in pairs]
    except (ValueError, TypeError, OverflowError, ValidationError) as error:
        raise UnknownPlace("This place is not in the list.") from error

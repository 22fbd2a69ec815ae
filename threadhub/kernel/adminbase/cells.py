"""What a page shows of one field of a row: the label, and the value as markup."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.contrib.admin.utils import label_for_field, lookup_field
from django.contrib.auth.models import AbstractBaseUser
from django.db import models
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext, ngettext, pgettext

from threadhub.kernel.models import JsonText, clean_text
from threadhub.kernel.observability.redaction import redact

from . import marks

if TYPE_CHECKING:
    from django.utils.safestring import SafeString

SHOWN_CHARACTERS = 20_000
# Fields whose words are states.
STATUSES = frozenset({"status", "state"})


def label(page: Any, name: str) -> str:
    """Return what stands above a column or beside a value: the page's own word first."""
    found = page.labels.get(name) or label_for_field(name, page.model, page)
    return capfirst(str(found))


def content(page: Any, row: Any, name: str, *, is_exact: bool = False) -> SafeString | str:
    """Return a field of the row, or what the page's method makes of the row.

    People, moments, choices and JSON look the same everywhere; `is_exact` shows moments to the
    second.
    """
    field, method, value = lookup_field(name, row, page)
    if getattr(method, "boolean", False):
        return yes_or_no(value)
    if field is not None:
        value = _of_field(field, row, value)
    if value is None or value == "":
        return missing()
    if hasattr(value, "isoformat"):
        return marks.moment(value) if is_exact else marks.ago(value)
    return value if hasattr(value, "__html__") else str(value)


def _of_field(field: Any, row: Any, value: Any) -> Any:
    if field.is_relation:
        related = getattr(row, field.name)
        return marks.person(related) if isinstance(related, AbstractBaseUser) else related
    if isinstance(field, models.JSONField | JsonText):
        return as_json(value)
    if isinstance(field, models.BooleanField):
        return yes_or_no(value)
    if isinstance(field, models.UUIDField):
        return marks.mono(value)
    if field.name in STATUSES:
        return marks.badge(value)
    if field.flatchoices and value:
        return dict(field.flatchoices).get(value, value)
    return value


def missing() -> SafeString:
    """Return the mark of a value that is not there."""
    return format_html('<span class="faint">{}</span>', "–")


def yes_or_no(value: object) -> SafeString:
    """Return a tick with its word, or a quiet no."""
    if value:
        word = pgettext("value", "Yes")
        return format_html('<span class="row">{}{}</span>', marks.icon("check"), word)
    return format_html('<span class="faint">{}</span>', pgettext("value", "No"))


def as_json(value: Any) -> SafeString:
    """Return a JSON value to show: secrets masked, indented, cut when it is very long."""
    if value in (None, {}, []):
        return missing()
    text = clean_text(json.dumps(redact(value), indent=2, ensure_ascii=False, default=str))
    left_out = len(text) - SHOWN_CHARACTERS
    if left_out > 0:
        told = ngettext(
            "%(count)d character is left out.", "%(count)d characters are left out.", left_out
        )
        text = f"{text[:SHOWN_CHARACTERS]}\n… {told % {'count': left_out}}"
    name = gettext("Value as JSON")
    return format_html(
        '<pre class="code code--value" tabindex="0" role="group" aria-label="{}">{}</pre>',
        name,
        text,
    )

"""The fields of forms as every page shows them: label, control, hint, and what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.template.loader import render_to_string
from django.utils.text import capfirst

if TYPE_CHECKING:
    from django.forms.boundfield import BoundField
    from django.utils.safestring import SafeString

# The first that fits; a text field is what is left.
KINDS: tuple[tuple[type[forms.Widget], str], ...] = (
    (forms.CheckboxSelectMultiple, "boxes"),
    (forms.RadioSelect, "radios"),
    (forms.CheckboxInput, "box"),
    (forms.Select, "select"),
    (forms.Textarea, "textarea"),
)
CLASSES = {"box": "check", "select": "", "textarea": "textarea", "input": "input"}


def field(bound: BoundField, classes: str = "", label: str = "") -> SafeString:
    """Return a field of a form; `classes` are added to its control."""
    # Django's admin wraps what can be added to in a widget that needs its scripts.
    widget = bound.field.widget = getattr(bound.field.widget, "widget", bound.field.widget)
    kind = next((kind for known, kind in KINDS if isinstance(widget, known)), "input")
    named = f"{bound.auto_id}-hint" if bound.help_text else "", f"{bound.auto_id}-error"
    described = " ".join(filter(None, (named[0], named[1] if bound.errors else "")))
    attrs: dict[str, Any] = {"class": f"{CLASSES.get(kind, '')} {classes}".strip()}
    if described:
        attrs["aria-describedby"] = described
    context = {
        "bound": bound,
        "kind": kind,
        "label": label or capfirst(bound.label or ""),
        "attrs": attrs,
        "described": described,
        "control": "" if kind in {"radios", "boxes"} else bound.as_widget(attrs=attrs),
    }
    return render_to_string("console/_field.html", context)

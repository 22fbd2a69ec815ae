"""What the console's templates share: `{% load console %}`."""

from __future__ import annotations

from typing import Any

from django import template

from threadhub.kernel.adminbase import fields, marks

register = template.Library()
register.simple_tag(marks.icon, name="icon")
register.simple_tag(marks.badge, name="badge")
register.simple_tag(marks.person, name="person")
register.simple_tag(marks.avatar, name="avatar")
register.simple_tag(marks.ago, name="ago")
register.simple_tag(marks.ago_words, name="ago_words")
register.simple_tag(fields.field, name="field")
register.filter("duration", marks.duration)
register.filter("size", marks.size)
register.filter("person_name", marks.name_of)
register.filter("level", marks.level)


@register.filter("entry")
def entry(found: dict[Any, Any], key: Any) -> Any:
    """Return what a mapping holds under a key, None where it holds nothing."""
    return found.get(key)

"""Find the people and groups that grants are given to."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

from threadhub.kernel.errors import Invalid
from threadhub.kernel.models import clean_text


def named(*, user: str | None = None, group: str | None = None) -> Any:
    """Return the person or the group of this name. Raises Invalid for neither, both, unknown.

    Ask after the right to manage: whether a name exists is nobody else's to know.
    """
    if bool(user) == bool(group):
        raise Invalid("Name either a user or a group.", fields={"user": ["One of both."]})
    found: Any
    if user:
        people = get_user_model()
        found = people._default_manager.filter(**{people.USERNAME_FIELD: clean_text(user)}).first()
        kind, name = "user", user
    else:
        found = Group.objects.filter(name=clean_text(str(group))).first()
        kind, name = "group", str(group)
    if found is None:
        raise Invalid(f"There is no {kind} {clean_text(name)!r}.", fields={kind: ["Unknown."]})
    return found

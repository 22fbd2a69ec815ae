"""Make accounts whose passwords ThreadHub thought up, and tell whether they still hold."""

from __future__ import annotations

import secrets
from typing import Any

from django.contrib.auth import get_user_model

from threadhub.kernel import transactions

from .models import Profile


def ensure(*, username: str, is_staff: bool = False, is_superuser: bool = False) -> tuple[Any, str]:
    """Return the person of that name and the password made up now, empty if they existed."""
    users = get_user_model()
    user = users._default_manager.filter(**{users.USERNAME_FIELD: username}).first()
    if user is not None:
        return user, ""
    password = secrets.token_urlsafe(15)
    with transactions.atomic():
        user = users(username=username, is_staff=is_staff, is_superuser=is_superuser)
        user.set_password(password)
        user.save()
        Profile.objects.create(user=user, issued_password=user.password)
    return user, password


def has_own_password(user: Any) -> bool:
    """Say whether the person has replaced the password that ThreadHub made up."""
    profile = Profile.objects.filter(user=user).first()
    return bool(user.has_usable_password()) and (
        profile is None or profile.issued_password != user.password
    )

"""Questions about rights that are asked again while something stays open."""

from __future__ import annotations

from django.contrib.auth import get_user_model

from threadhub.kernel.people.models import ApiKey
from threads_app.models import Run


def may_read(*, run_id: int, user_id: int, key_id: int | None) -> bool:
    """Say whether the person may read the run now, and the key that was shown still opens."""
    user = get_user_model()._default_manager.filter(pk=user_id).first()
    if user is None or not Run.objects.visible_to(user, "read").filter(pk=run_id).exists():
        return False
    return key_id is None or ApiKey.objects.usable().filter(pk=key_id).exists()

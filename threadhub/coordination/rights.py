"""What a session's members mean for rights: one place, called wherever they change."""

from __future__ import annotations

from collections.abc import Sequence


def members_changed(*, thread_ids: Sequence[int]) -> None:
    """Bring the rights on threads up to date that joined or left a session, in the open act.

    Owners hold everything on what is theirs and nobody else holds anything, so there is
    nothing to do yet.
    """

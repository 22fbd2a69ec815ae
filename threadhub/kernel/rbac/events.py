"""What happens to rights, told to whoever holds something open."""

from __future__ import annotations

from dataclasses import dataclass

from threadhub.kernel import events


@events.declare("rbac.access_changed")
@dataclass(frozen=True, slots=True)
class AccessChanged:
    """What these people and groups may do has changed: on these objects, or everywhere."""

    user_ids: list[int]
    group_ids: list[int]
    session_ids: list[int]
    thread_ids: list[int]

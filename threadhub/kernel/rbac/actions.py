"""The six permissions; every one of them implies view."""

from __future__ import annotations

from typing import Literal

Action = Literal["view", "read", "write", "execute", "delete", "manage"]
ACTIONS: tuple[Action, ...] = ("view", "read", "write", "execute", "delete", "manage")

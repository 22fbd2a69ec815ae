"""The live protocol, and wake-ups between the processes of an installation."""

from __future__ import annotations

from .bridge import connect
from .topics import Found, Level, Topic, reduced, register

__all__ = ["Found", "Level", "Topic", "connect", "reduced", "register"]

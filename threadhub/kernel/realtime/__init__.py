"""Wake-ups between the processes of an installation, through a channel layer."""

from __future__ import annotations

from .bridge import connect

__all__ = ["connect"]

"""System checks: a configuration that cannot work is found at start, with a hint."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Error, register
from langgraph.checkpoint.serde import _msgpack


@register()
def strict_msgpack(**_: Any) -> list[CheckMessage]:
    """LangGraph reads the switch when it is imported; too late is as good as never."""
    if _msgpack.STRICT_MSGPACK_ENABLED:
        return []
    return [
        Error(
            "LangGraph's strict msgpack mode is off: a forged checkpoint could run code.",
            hint="Something imports langgraph before the settings. Import it later.",
            id="threadhub.E001",
        )
    ]

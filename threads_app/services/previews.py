"""Bounded copies of a state, for lists."""

from __future__ import annotations

import json
from typing import Any

PREVIEW_BYTES = 32 * 1024


def preview(values: Any) -> Any:
    """Return a copy of the values that fits a catalogue row; what is left out is named."""
    if not isinstance(values, dict) or _size(values) <= PREVIEW_BYTES:
        return values if _size(values) <= PREVIEW_BYTES else {"__omitted__": {"*": _size(values)}}
    kept: dict[str, Any] = {}
    omitted: dict[str, int] = {}
    room = PREVIEW_BYTES
    for name, value in sorted(values.items(), key=lambda pair: _size(pair[1])):
        size = _size(value)
        if size <= room:
            kept[name] = value
            room -= size
        else:
            omitted[name] = size
    return {**kept, "__omitted__": omitted}


def _size(value: Any) -> int:
    return len(json.dumps(value))

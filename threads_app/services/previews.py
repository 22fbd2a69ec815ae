"""Bounded copies of a state, for lists."""

from __future__ import annotations

import json
from typing import Any

PREVIEW_BYTES = 32 * 1024


def preview(values: Any) -> Any:
    """Return a copy of the values that fits a catalogue row; what is left out is named."""
    size = _size(values)
    if size <= PREVIEW_BYTES:
        return values
    if not isinstance(values, dict):
        return {"__omitted__": {"*": size}}
    sizes = {name: _size(value) for name, value in values.items()}
    kept = _smallest(sizes, room=PREVIEW_BYTES)
    omitted = {name: size for name, size in sizes.items() if name not in kept}
    return {**{name: values[name] for name in sizes if name in kept}, "__omitted__": omitted}


def _smallest(sizes: dict[str, int], *, room: int) -> set[str]:
    kept = set()
    for name, size in sorted(sizes.items(), key=lambda pair: pair[1]):
        room -= size
        if room < 0:
            break
        kept.add(name)
    return kept


def _size(value: Any) -> int:
    return len(json.dumps(value))

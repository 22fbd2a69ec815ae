"""What the graphs tell their viewers while they work."""

from __future__ import annotations

from langgraph.config import get_stream_writer


def advance(text: str, *, checked: int, total: int) -> None:
    """Tell how many packages this step added; steps run side by side, so they add up."""
    event = {"kind": "progress", "text": text, "checked": checked, "total": total}
    get_stream_writer()(event)


def note(text: str) -> None:
    """Tell what was done."""
    get_stream_writer()({"kind": "note", "text": text})

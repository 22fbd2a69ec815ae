"""Channels that hold messages, read as a conversation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .values import TYPE, masked

CUT = 2000
# As many elements are looked at to tell messages from other objects.
_LOOKED_AT = 20
_MARK = "langchain_core.messages."


@dataclass(frozen=True, slots=True)
class Call:
    """A tool that a message asks for."""

    name: str
    id: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Message:
    """One message; `position` is its place in the channel."""

    position: int
    role: str
    name: str
    id: str
    text: str
    is_cut: bool
    calls: tuple[Call, ...]
    # The call that a tool's message answers.
    answers: str


def are(value: Any) -> bool:
    """Say whether a value is a list of messages."""
    return isinstance(value, list) and bool(value) and all(map(_is_one, value[:_LOOKED_AT]))


def _is_one(item: Any) -> bool:
    if not isinstance(item, dict) or "content" not in item:
        return False
    label = item.get(TYPE)
    return label.startswith(_MARK) if isinstance(label, str) else "role" in item or "type" in item


def shown(value: list[Any], *, start: int, limit: int) -> list[Message]:
    """Return some messages with their secrets masked and long texts cut."""
    return list(_shown(value[start : start + limit], start))


def _shown(items: list[Any], start: int) -> Iterator[Message]:
    for position, item in enumerate(items, start):
        told = masked(item)
        if not isinstance(told, dict):
            told = {"content": told}
        text = _text(told.get("content"))
        yield Message(
            position=position,
            role=_word(told.get("role") or told.get("type")),
            name=_word(told.get("name")),
            id=_word(told.get("id")),
            text=text[:CUT],
            is_cut=len(text) > CUT,
            calls=tuple(_calls(told.get("tool_calls"))),
            answers=_word(told.get("tool_call_id")),
        )


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return _json(content) if content is not None else ""
    return "\n".join(_block(block) for block in content)


def _block(block: Any) -> str:
    if isinstance(block, str):
        return block
    if isinstance(block, dict) and isinstance(block.get("text"), str):
        return str(block["text"])
    kind = block.get("type") if isinstance(block, dict) else None
    return f"[{_word(kind) or '…'}]"


def _calls(calls: Any) -> Iterator[Call]:
    for call in calls if isinstance(calls, list) else []:
        if isinstance(call, dict):
            arguments = _json(call.get("args"))
            yield Call(_word(call.get("name")), _word(call.get("id")), arguments[:CUT])


def _word(value: Any) -> str:
    return value[:100] if isinstance(value, str) else ""


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)

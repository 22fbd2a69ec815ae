"""Messages put together again from the tokens in the event log."""

from __future__ import annotations

from typing import Any

from langchain_core.messages import (
    AIMessageChunk,
    BaseMessageChunk,
    ChatMessageChunk,
    FunctionMessageChunk,
    HumanMessageChunk,
    SystemMessageChunk,
    ToolMessageChunk,
    message_chunk_to_message,
)

from threads_app.graphs.encoding import plain

_CHUNKS: dict[str, type[BaseMessageChunk]] = {
    kind.__name__: kind
    for kind in (
        AIMessageChunk,
        ChatMessageChunk,
        FunctionMessageChunk,
        HumanMessageChunk,
        SystemMessageChunk,
        ToolMessageChunk,
    )
}


class Accumulator:
    """Grows each message of a run by the tokens it is given, in their order."""

    def __init__(self) -> None:
        self._chunks: dict[str, BaseMessageChunk] = {}
        self._known: set[str] = set()

    def is_new(self, message: dict[str, Any]) -> bool:
        """Say whether nothing of the message was given before; from now on it was."""
        key = str(message.get("id"))
        is_new = key not in self._known
        self._known.add(key)
        return is_new

    def grown(self, message: dict[str, Any], *, is_chunk: bool) -> dict[str, Any]:
        """Return the message as JSON, with all that came of it before."""
        kind = _CHUNKS.get(message.get("type", "")) if is_chunk else None
        if kind is None:
            return message
        key = str(message.get("id"))
        chunk = kind(**message)
        known = self._chunks.get(key)
        total = chunk if known is None else known + chunk
        self._chunks[key] = total
        shown: dict[str, Any] = plain(message_chunk_to_message(self._chunks[key]))
        return shown

"""What runs put out, as short lines: tokens put together, the rest as compact data, masked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext

from threadhub.kernel.observability.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from threads_app.selectors.pictures import Event

KINDS = (
    "messages",
    "custom",
    "updates",
    "interrupt.opened",
    "interrupt.answered",
    "run.error",
    "run.timeout",
    "run.cancelled",
)
# Events read, and letters of one line.
READ = 300
LETTERS = 200
LONG = 4000


def of(events: Iterable[Event]) -> list[dict[str, Any]]:
    """Return the lines of some events, in order."""
    lines: list[dict[str, Any]] = []
    messages: dict[str, dict[str, Any]] = {}
    for event in events:
        if event.kind == "messages":
            _say(event, lines, messages)
        else:
            told = _told(event, messages)
            lines += [{"seq": event.seq, "at": event.at, **line} for line in told]
    # Whole texts are masked: a secret may come in several tokens.
    return [{**line, "text": redact(line["text"])} for line in lines if line["text"]]


def _say(event: Event, lines: list[dict[str, Any]], messages: dict[str, dict[str, Any]]) -> None:
    """Put a token at the end of its message's line."""
    message = event.payload["message"]
    key = str(message.get("id") or event.seq)
    text = text_of(message.get("content"))
    if (known := messages.get(key)) is not None:
        known["text"] = (known["text"] + text)[:LONG] if event.payload["chunk"] else text[:LONG]
        return
    node = event.payload["metadata"].get("langgraph_node", "")
    line = {"seq": event.seq, "at": event.at, "node": node, "text": text[:LONG], "message": key}
    messages[key] = line
    lines.append(line)


def text_of(content: Any) -> str:
    """Return the text of a message's content, which may be a list of blocks."""
    if isinstance(content, str):
        return content
    blocks = content if isinstance(content, list) else []
    found = (block if isinstance(block, str) else block.get("text", "") for block in blocks)
    return "".join(str(text) for text in found)


def _told(event: Event, messages: Mapping[str, Any]) -> list[dict[str, Any]]:
    payload = event.payload
    match event.kind:
        case "custom":
            path = payload.get("ns", "").split("|")[-1].split(":")[0]
            return [{"node": path, "text": compact(_spoken(payload.get("data")))}]
        case "updates":
            return _written(payload.get("data"), messages)
        case "interrupt.opened":
            asked = gettext("asked: %s") % compact(_spoken(payload.get("value")))
            return [{"node": payload.get("node", ""), "text": asked}]
        case "interrupt.answered":
            return [{"node": "", "text": gettext("%s answered") % payload.get("by", "")}]
        case "run.cancelled":
            return [{"node": "", "text": gettext("The run was cancelled.")}]
        case _:
            error = payload.get("error") or {}
            text = ": ".join(filter(None, (error.get("error"), error.get("message"))))
            return [{"node": "", "text": str(redact(text))[:LONG], "is_error": True}]


def _written(data: Any, messages: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what nodes wrote, without the messages that were shown as they came."""
    if not isinstance(data, dict):
        return []
    found = []
    for node, written in data.items():
        new = written
        if isinstance(written, dict):
            new = {key: value for key, value in written.items() if not _is_said(value, messages)}
        if new and not node.startswith("__"):
            found.append({"node": node, "text": compact(new)})
    return found


def _is_said(value: Any, messages: Mapping[str, Any]) -> bool:
    said = value if isinstance(value, list) else [value]
    ids = [message.get("id") for message in said if isinstance(message, dict)]
    return bool(ids) and all(key in messages for key in ids)


def _spoken(data: Any) -> Any:
    """Return the sentence in data that has one."""
    if isinstance(data, dict):
        for name in ("text", "message", "question", "title"):
            if isinstance(data.get(name), str):
                return data[name]
    return data


def compact(data: Any) -> str:
    """Return data as one masked line, cut where it gets long."""
    shown = redact(data)
    text = shown if isinstance(shown, str) else json.dumps(shown, ensure_ascii=False, default=str)
    return text if len(text) <= LETTERS else f"{text[:LETTERS]}…"


def pretty(data: Any, *, limit: int = 20_000) -> Mapping[str, Any]:
    """Return data as masked, indented text; what is too long is cut and said."""
    text = json.dumps(redact(data), ensure_ascii=False, indent=2, default=str)
    return {"text": text[:limit], "size": len(text), "is_cut": len(text) > limit}

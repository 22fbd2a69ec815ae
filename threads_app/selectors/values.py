"""Stored values as a person looks at them: one level at a time, secrets masked, long text cut."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from checkpoints_app.serde import content_hash
from threadhub.kernel.errors import NotVisible
from threadhub.kernel.models import clean_text
from threadhub.kernel.observability.redaction import MASK, redact, redact_text

# How the store's data names the class of an object.
TYPE = "__type__"
PAGE = 200
CUT, KEY_CUT, WHOLE = 240, 80, 100_000
MAX_DEPTH = 100
TOO_DEEP = f"<nested more than {MAX_DEPTH} levels>"
MOST_HITS = 100
_HIDDEN_TYPES = ("SecretStr", "SecretBytes", "Secret")


@dataclass(frozen=True, slots=True)
class Part:
    """One value in the tree; the path counts positions, since keys may be anything."""

    key: str
    path: str
    # object, list, text, number, boolean, null, bytes, hidden
    kind: str
    type: str = ""
    # Elements of a container, characters of a text, bytes of bytes.
    count: int = 0
    text: str = ""
    is_cut: bool = False

    @property
    def class_name(self) -> str:
        """Return the class without its module."""
        return self.type.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class Page:
    """Some children of a container."""

    parts: list[Part]
    total: int
    following: int | None


@dataclass(frozen=True, slots=True)
class Hit:
    """A place where a search found its words."""

    channel: str
    keys: list[str]
    part: Part


def part(value: Any, *, key: Any = "", path: str = "", cut: int = CUT) -> Part:
    """Return a value without its children; `key` says whether it is a secret."""
    label, inner = _unwrapped(value)
    name = shown_key(key)
    if _is_hidden(label, key, inner):
        return Part(name, path, "hidden", label, text=MASK)
    if isinstance(inner, dict | list | tuple):
        kind = "object" if isinstance(inner, dict) else "list"
        return Part(name, path, kind, label, count=len(_items(inner)))
    if isinstance(inner, str):
        text = clean_text(redact_text(inner))
        return Part(name, path, "text", label, len(text), text[:cut], len(text) > cut)
    if isinstance(inner, bytes | bytearray):
        return Part(name, path, "bytes", label, count=len(inner))
    return Part(name, path, _kind(inner), label, text=_word(inner))


def shown_key(key: Any) -> str:
    """Return a key to show: as text, secrets masked, cut."""
    text = clean_text(redact_text(key if isinstance(key, str) else str(masked(key))))
    return text if len(text) <= KEY_CUT else f"{text[:KEY_CUT]}…"


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "null" if value is None else "number"


def _word(value: Any) -> str:
    words = {True: "true", False: "false", None: "null"}
    return words[value] if value is None or isinstance(value, bool) else str(value)


def _unwrapped(value: Any) -> tuple[str, Any]:
    """Return the name of an object's class and what it holds."""
    if not isinstance(value, dict) or TYPE not in value:
        return "", value
    label = clean_text(str(value[TYPE]))[:KEY_CUT]
    if value.keys() == {TYPE, "value"}:
        return label, value["value"]
    return label, {key: item for key, item in value.items() if key != TYPE}


def _is_hidden(label: str, key: Any, inner: Any) -> bool:
    if label.rpartition(".")[2] in _HIDDEN_TYPES:
        return True
    return isinstance(inner, str) and redact({key: inner})[key] == MASK


def _items(container: Any) -> list[tuple[Any, Any]]:
    if isinstance(container, dict):
        return list(container.items())
    return list(enumerate(container))


def at(value: Any, path: str, *, key: Any = "") -> tuple[Any, Any]:
    """Return the key and the value at a path. Raises NotVisible where there is none."""
    try:
        for position in filter(None, path.split(".")):
            label, inner = _unwrapped(value)
            if not position.isdecimal():
                raise LookupError
            if _is_hidden(label, key, inner) or not isinstance(inner, dict | list | tuple):
                raise LookupError
            key, value = _items(inner)[int(position)]
    except (LookupError, ValueError):
        raise NotVisible("There is no such value at this checkpoint.") from None
    return key, value


def page(value: Any, path: str, *, start: int = 0, limit: int = PAGE) -> Page:
    """Return children of the container at a path. Raises NotVisible where there is none."""
    key, found = at(value, path)
    label, inner = _unwrapped(found)
    if _is_hidden(label, key, inner) or not isinstance(inner, dict | list | tuple):
        raise NotVisible("There is no such value at this checkpoint.")
    items = _items(inner)
    chosen = items[start : start + limit]
    stem = f"{path}." if path else ""
    parts = [
        part(item, key=name, path=f"{stem}{position}")
        for position, (name, item) in enumerate(chosen, start)
    ]
    rest = start + limit
    return Page(parts, len(items), rest if rest < len(items) else None)


def masked(value: Any, *, key: Any = "", depth: int = 0) -> Any:
    """Return the whole value as JSON with its secrets masked; bytes by size and hash."""
    if depth > MAX_DEPTH:
        return TOO_DEEP
    label, inner = _unwrapped(value)
    if _is_hidden(label, key, inner):
        return MASK
    if isinstance(inner, bytes | bytearray):
        digest = base64.b16encode(content_hash("bytes", bytes(inner))).decode().lower()
        return {TYPE: "bytes", "size": len(inner), "hash": digest}
    if isinstance(value, str):
        return clean_text(redact_text(value))
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, list | tuple):
        return [masked(item, depth=depth + 1) for item in value]
    if isinstance(value, dict):
        return {
            clean_text(redact_text(name if isinstance(name, str) else str(masked(name)))): masked(
                item, key=name, depth=depth + 1
            )
            for name, item in value.items()
        }
    return value


def search(channels: Mapping[str, Any], words: str) -> list[Hit]:
    """Return where keys and texts hold the words, as they are shown: secrets are not found."""
    wanted = words.casefold()
    found: list[Hit] = []
    for channel, value in channels.items():
        for keys, one, text in _walk(value, key=channel):
            if wanted in one.key.casefold() or wanted in text.casefold():
                found.append(Hit(channel, keys, one))
            if len(found) >= MOST_HITS:
                return found
    return found


def _walk(
    value: Any, *, key: Any, path: str = "", keys: tuple[str, ...] = ()
) -> Iterator[tuple[list[str], Part, str]]:
    """Yield every value below, with its keys, as a part and as its whole text."""
    whole = part(value, key=key, path=path, cut=WHOLE)
    trail = (*keys, whole.key)
    yield list(trail), part(value, key=key, path=path), whole.text
    if whole.kind not in {"object", "list"} or len(trail) > MAX_DEPTH:
        return
    stem = f"{path}." if path else ""
    for position, (name, item) in enumerate(_items(_unwrapped(value)[1])):
        yield from _walk(item, key=name, path=f"{stem}{position}", keys=trail)

"""The messages of a topic over HTTP, for who cannot hold a socket."""

from __future__ import annotations

import json
from typing import Any

from threadhub.kernel.errors import NotVisible

from . import boards, feeds, topics
from .looking import REPLAY, Look, look

ANSWER_SIZE = 1024 * 1024


def answer(user: Any, name: str, *, since: int | None, epoch: str) -> list[dict[str, Any]]:
    """Return what a socket would be sent at once: one message, or events since `since`."""
    try:
        topic, argument = topics.of(name)
        if not topic.has_log:
            data = json.loads(boards.compute(topic, argument, user.pk))
            return [{"type": "snapshot", "topic": name, "epoch": "", "seq": 0, "data": data}]
        seen = look(topic, argument, user.pk, since=since, epoch=epoch)
    except NotVisible:
        return [{"type": "denied", "topic": name}]
    common = {"topic": name, "epoch": seen.epoch}
    if seen.data is not None:
        return [{"type": "snapshot", **common, "seq": seen.seq, "data": json.loads(seen.data)}]
    assert since is not None
    return [{"type": "events", **common, **_missed(topic, seen, since)}]


def _missed(topic: topics.Topic, seen: Look, since: int) -> dict[str, Any]:
    """Return the events since then, as many as fit into one answer."""
    stream_id, level = seen.found.stream_id, seen.found.level
    assert stream_id is not None
    last, size, texts = since, 0, list[str]()
    for entry in feeds.entries(topic, stream_id, after=since, limit=REPLAY):
        text = entry.text(level)
        size += len(text or "")
        if entry.seq > seen.seq or (texts and size > ANSWER_SIZE):
            break
        last = entry.seq
        if text is not None:
            texts.append(text)
    items = [json.loads(text) for text in texts]
    return {"from": since + 1, "to": last, "dropped": 0, "items": items}

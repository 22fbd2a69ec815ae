"""What can be watched: apps register topics, viewers name them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from threadhub.kernel.errors import NotVisible
from threadhub.kernel.models import clean_text
from threadhub.kernel.registry import Registry
from threadhub.kernel.streams import wakeups

if TYPE_CHECKING:
    from collections.abc import Collection

    from threadhub.kernel.streams.models import StreamEvent

Level = Literal["read", "view"]


@dataclass(frozen=True, slots=True)
class Found:
    """What a topic is about, as one person may see it."""

    level: Level
    stream_id: int | None = None
    target: Any = None


class Topic:
    """Something people watch. All methods ask the database, hence run in a thread.

    `name` ends with a colon where an argument follows: `thread:` for `thread:<public id>`.
    A topic with a log follows the stream that `find` returns. One without is computed anew,
    at most each `pause` seconds, when an event of its `families` was written anywhere, when
    rights changed, and after `patience` seconds whatever happened.
    """

    name: ClassVar[str]
    has_log: ClassVar[bool] = True
    families: ClassVar[frozenset[str]] = frozenset()
    pause: ClassVar[float] = 0.5
    patience: ClassVar[float] = 30.0

    def find(self, user: Any, argument: str) -> Found:
        """Return what the person watches. Raises NotVisible, with the same words for missing."""
        raise NotImplementedError

    def snapshot(self, user: Any, found: Found) -> Any:
        """Return all that is shown to the person now, as JSON; `found` was asked just before."""
        raise NotImplementedError

    def payload(self, event: StreamEvent, level: Level) -> Any:
        """Return what of the event is shown at this level; None hides the event."""
        return event.payload if level == "read" else None

    def is_delta(self, event: StreamEvent) -> bool:
        """Say whether the event is a piece of something that comes again as a whole."""
        return False


_topics: Registry[Topic] = Registry("Topic")


def register(topic: Topic) -> None:
    """Let people watch a topic; called while ThreadHub starts, in every process."""
    _topics.add(topic.name, topic)
    wakeups.follow_families(*topic.families)


def of(text: str) -> tuple[Topic, str]:
    """Return the topic that a text names, and its argument. Raises NotVisible."""
    name, colon, argument = text.partition(":")
    for known in (text, f"{name}{colon}"):
        if known in _topics and known.endswith(":") == (known != text):
            return _topics.get(known), clean_text(argument) if known != text else ""
    raise NotVisible("There is no such topic.")


def reduced(payload: Any, names: Collection[str]) -> dict[str, Any]:
    """Return only these keys of a payload, for those who may not read it."""
    return {name: payload[name] for name in names if name in payload}

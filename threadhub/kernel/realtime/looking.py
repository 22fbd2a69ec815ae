"""What a subscription asks the database, each in one call to a thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from threadhub.kernel.errors import NotVisible
from threadhub.kernel.rbac.held import remembering
from threadhub.kernel.streams.models import Stream

from . import callers
from .messages import text_of

if TYPE_CHECKING:
    from .topics import Found, Topic

# A client that missed more is shown everything anew.
REPLAY = 1000


@dataclass(frozen=True, slots=True)
class Look:
    """Where a stream stands and, unless the viewer knows it, what its subject looks like."""

    found: Found
    seq: int
    epoch: str
    data: str | None = None


def find(topic: Topic, argument: str, user_id: int) -> Found:
    """Return what the person may watch now. Raises NotVisible."""
    user = callers.person(user_id)
    if not user.is_active:
        raise NotVisible("There is no such topic.")
    return topic.find(user, argument)


def look(
    topic: Topic,
    argument: str,
    user_id: int,
    *,
    since: int | None = None,
    epoch: str = "",
) -> Look:
    """Return the stream's end and then its subject, in this order and in no transaction.

    Who was there at `since` of the same epoch, and missed little, needs no snapshot.
    Raises NotVisible.
    """
    user = callers.person(user_id)
    if not user.is_active:
        raise NotVisible("There is no such topic.")
    with remembering():
        found = topic.find(user, argument)
        stream = Stream.objects.filter(pk=found.stream_id or 0).first()
        if stream is None:
            raise NotVisible("There is no such topic.")
        current = f"{stream.pk}.{stream.epoch}.{found.level}"
        if since is not None and epoch == current and 0 <= stream.last_seq - since <= REPLAY:
            return Look(found, stream.last_seq, current)
        return Look(found, stream.last_seq, current, text_of(topic.snapshot(user, found)))

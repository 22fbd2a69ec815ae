"""The words of `threadhub.v1`: what clients may say, how the server speaks, why it hangs up."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from rest_framework.utils.encoders import JSONEncoder

VERSION = 1
SUBPROTOCOL = "threadhub.v1"
HEARTBEAT_SECONDS = 20
# How many items may be under way on a topic that the client has not acknowledged.
CREDIT = 500
TOPIC_LENGTH = 400
LARGEST_HEARD = 64 * 1024
LARGEST_SENT = 2 * 1024 * 1024


class Close(IntEnum):
    """Why the server ends a socket."""

    BAD_MESSAGE = 4400
    SIGNED_OUT = 4401
    NOT_FOUND = 4404
    IDLE = 4408
    OLD_VERSION = 4410
    TOO_MUCH = 4429
    RESTART = 1012

    @property
    def on_wire(self) -> int:
        """The code of the closing frame; Daphne lets applications send 1000 and 3000-4999 only."""
        return 4012 if self is Close.RESTART else int(self)


class Closing(Exception):
    """The socket is to be ended."""

    def __init__(self, code: Close) -> None:
        super().__init__(code.name)
        self.code = code


@dataclass(frozen=True, slots=True)
class Said:
    """A client's message, checked; what it did not say has its default."""

    type: str
    topic: str = ""
    seq: int = 0
    since: int | None = None
    epoch: str = ""
    deltas: bool = True
    v: int = 0
    tab: str = ""


_TEXT, _NUMBER = (str,), (int,)
# By message: each field's type, and whether it must be there.
_FIELDS: dict[str, dict[str, tuple[tuple[type, ...], bool]]] = {
    "hello": {"v": (_NUMBER, True), "tab": (_TEXT, False)},
    "sub": {
        "topic": (_TEXT, True),
        "since": (_NUMBER, False),
        "epoch": (_TEXT, False),
        "deltas": ((bool,), False),
    },
    "unsub": {"topic": (_TEXT, True)},
    "ack": {"topic": (_TEXT, True), "seq": (_NUMBER, True)},
    "ping": {},
}


def parse(text: str | None) -> Said:
    """Return a client's message. Raises Closing for anything the protocol does not know.

    Keys that are not known are passed over, so that a newer client may say more.
    """
    if text is None or len(text) > LARGEST_HEARD:
        raise Closing(Close.BAD_MESSAGE)
    try:
        given = json.loads(text)
        fields = _FIELDS[given["type"]]
        checked = {name: _checked(given, name, *rule) for name, rule in fields.items()}
    except (ValueError, TypeError, KeyError, RecursionError):
        raise Closing(Close.BAD_MESSAGE) from None
    known = {name: value for name, value in checked.items() if value is not None}
    return Said(given["type"], **known)


def _checked(given: dict[str, Any], name: str, types: tuple[type, ...], is_needed: bool) -> Any:  # noqa: FBT001
    value = given[name] if is_needed else given.get(name)
    if value is None and not is_needed:
        return None
    if type(value) not in types:
        raise TypeError(name)
    if isinstance(value, str) and len(value) > TOPIC_LENGTH:
        raise ValueError(name)
    if isinstance(value, int) and not 0 <= value < 2**63:
        raise ValueError(name)
    return value


def text_of(data: Any) -> str:
    """Return data as JSON in ASCII: lone surrogates stay escapes, times are the API's."""
    return json.dumps(data, cls=JSONEncoder, separators=(",", ":"))


def message(kind: str, **fields: Any) -> str:
    """Return a message without a body that was written before."""
    return text_of({"type": kind, **fields})


def snapshot(topic: str, *, epoch: str, seq: int, data: str) -> str:
    """Return a snapshot whose data is JSON already; of what is too large, its size alone."""
    if len(data) > LARGEST_SENT:
        size = len(data)
        return message("snapshot", topic=topic, epoch=epoch, seq=seq, data=None, size=size)
    return f'{message("snapshot", topic=topic, epoch=epoch, seq=seq)[:-1]},"data":{data}}}'


def events(
    topic: str, *, epoch: str, first: int, last: int, items: Sequence[str], dropped: int
) -> str:
    """Return the events of a range, each of them JSON already."""
    head = {"topic": topic, "epoch": epoch, "from": first, "to": last, "dropped": dropped}
    return f'{message("events", **head)[:-1]},"items":[{",".join(items)}]}}'

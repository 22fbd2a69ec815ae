"""What a process remembers of the threads it writes, so that a put reads nothing.

A cache entry names the head's epoch and every write that relies on it does too: a head
that was swept or made anew refuses the write, and the entry is dropped.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from .manifest import Manifest

KeyT = TypeVar("KeyT")
ValueT = TypeVar("ValueT")


class Recent(Generic[KeyT, ValueT]):
    """A mapping that forgets what was not used for longest."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._items: OrderedDict[KeyT, ValueT] = OrderedDict()

    def get(self, key: KeyT) -> ValueT | None:
        """Return the value and count it as used."""
        if key not in self._items:
            return None
        self._items.move_to_end(key)
        return self._items[key]

    def put(self, key: KeyT, value: ValueT) -> None:
        """Remember a value."""
        self._items[key] = value
        self._items.move_to_end(key)
        if len(self._items) > self._capacity:
            self._items.popitem(last=False)

    def drop(self, key: KeyT) -> None:
        """Forget a value."""
        self._items.pop(key, None)

    def __contains__(self, key: object) -> bool:
        return key in self._items


class HeadCache:
    """What is known of one thread as of one epoch."""

    def __init__(self, head_id: int, epoch: int) -> None:
        self.head_id = head_id
        self.epoch = epoch
        self.scopes: Recent[str, int] = Recent(256)
        self.manifests: Recent[tuple[str, bytes], Manifest] = Recent(64)
        # Element hashes of a log from the list's start to the log's end.
        self.logs: Recent[int, list[bytes]] = Recent(16)
        self.stored: Recent[bytes, None] = Recent(2048)

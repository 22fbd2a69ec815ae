"""Flow control: the server itself never notices that a client does not read."""

from __future__ import annotations

from collections import deque

from . import messages

# Beside the number of items, since some of them are large.
CREDIT_SIZE = 512 * 1024


class Credit:
    """What was sent on one topic and not acknowledged yet."""

    def __init__(self) -> None:
        self._sent: deque[tuple[int, int, int, float]] = deque()
        self._items = 0
        self._size = 0

    def take(self, *, seq: int, items: int, size: int, now: float) -> None:
        """Note a message that ends with `seq`."""
        self._sent.append((seq, items, size, now))
        self._items += items
        self._size += size

    def give_back(self, seq: int) -> None:
        """Forget what the client has seen up to `seq`."""
        while self._sent and self._sent[0][0] <= seq:
            _, items, size, _ = self._sent.popleft()
            self._items -= items
            self._size -= size

    def clear(self) -> None:
        """Forget everything: what was under way counts no more."""
        self._sent.clear()
        self._items = self._size = 0

    @property
    def room(self) -> int:
        """How many items may be sent now."""
        return 0 if self._size >= CREDIT_SIZE else max(messages.CREDIT - self._items, 0)

    @property
    def is_short(self) -> bool:
        """Say whether more than half is used up: time to leave out what comes again."""
        return self._items > messages.CREDIT // 2 or self._size > CREDIT_SIZE // 2

    @property
    def is_clear(self) -> bool:
        """Say whether the client has seen everything."""
        return not self._sent

    def waits_since(self, now: float) -> float:
        """Return for how long the oldest message has waited for its acknowledgement."""
        return now - self._sent[0][3] if self._sent else 0.0

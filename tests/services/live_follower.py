"""A client of a real server that follows one thread, loses its socket, and comes back."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

PATIENCE = 60.0


class Follower:
    """Keeps what it was told by sequence number; nothing may be missing, nothing differ."""

    def __init__(
        self, *, port: int, key: str, topic: str, rng: random.Random | None = None
    ) -> None:
        self.seen: dict[int, str] = {}
        self.snapshots: list[dict[str, Any]] = []
        self.losses = 0
        self._address = f"ws://127.0.0.1:{port}/ws/v1/stream"
        self._headers = {"X-Api-Key": key}
        self._topic = topic
        self._rng = rng
        self._place: dict[str, Any] = {}

    def follow(self, *, until: str) -> None:
        """Follow the thread until an event of this kind, coming back whenever the socket ends."""
        while until not in self.seen.values():
            try:
                with self.open() as socket:
                    self._listen(socket, until)
            except (ConnectionClosed, OSError):
                self.losses += 1

    @contextmanager
    def open(self) -> Iterator[ClientConnection]:
        """Open a socket that has said hello and subscribed from where the follower stands."""
        with connect(
            self._address,
            additional_headers=self._headers,
            subprotocols=[Subprotocol("threadhub.v1")],
            max_size=None,
        ) as socket:
            self._say(socket, "hello", v=1)
            assert hear(socket)["type"] == "welcome"
            self._say(socket, "sub", topic=self._topic, **self._place)
            yield socket

    def _listen(self, socket: ClientConnection, until: str) -> None:
        while until not in self.seen.values():
            message = hear(socket)
            if message["type"] == "snapshot":
                self.snapshots.append(message)
                self._stand(socket, message, message["seq"])
            elif message["type"] == "events":
                self._take(socket, message)
            # Rarely, as on a train: without a word to the server.
            if self._rng is not None and self._rng.random() < 0.05:
                raise ConnectionClosed(None, None)

    def _take(self, socket: ClientConnection, message: dict[str, Any]) -> None:
        assert message["from"] <= self._place["since"] + 1, "the range has no gap"
        for item in message["items"]:
            assert self.seen.setdefault(item["seq"], item["kind"]) == item["kind"]
        self._stand(socket, message, message["to"])

    def _stand(self, socket: ClientConnection, message: dict[str, Any], seq: int) -> None:
        self._place = {"since": seq, "epoch": message["epoch"]}
        self._say(socket, "ack", topic=self._topic, seq=seq)

    def _say(self, socket: ClientConnection, kind: str, **fields: Any) -> None:
        socket.send(json.dumps({"type": kind, **fields}))


def hear(socket: ClientConnection) -> dict[str, Any]:
    """Return the next message."""
    message: dict[str, Any] = json.loads(socket.recv(PATIENCE))
    return message

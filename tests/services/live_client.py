"""A client of the live protocol, on the test's own event loop."""

from __future__ import annotations

import asyncio
import json
from types import TracebackType
from typing import Any, Self

from channels.testing import WebsocketCommunicator

from threadhub.asgi import application

PATH = "/ws/v1/stream"
ORIGIN = (b"origin", b"http://testserver")
HOST = (b"host", b"testserver")
# Long, since it only bounds a failure.
PATIENCE = 10.0


class LiveClient:
    """Speaks `threadhub.v1`; used as a context, which says hello and closes in the end."""

    def __init__(
        self,
        *headers: tuple[bytes, bytes],
        words: tuple[str, ...] = ("threadhub.v1",),
        path: str = PATH,
    ) -> None:
        self._socket = WebsocketCommunicator(
            application, path, headers=[HOST, *headers], subprotocols=list(words)
        )
        self.is_accepted = False

    async def __aenter__(self) -> Self:
        await self.open()
        await self.say("hello", v=1, tab="t")
        assert (await self.hear())["type"] == "welcome"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        await self._socket.disconnect()

    async def open(self) -> None:
        """Open the socket, without a word."""
        self.is_accepted, _ = await self._socket.connect(timeout=PATIENCE)

    async def say(self, kind: str, **fields: Any) -> None:
        """Send a message."""
        await self.say_text(json.dumps({"type": kind, **fields}))

    async def say_text(self, text: str) -> None:
        """Send any text."""
        await self._socket.send_to(text_data=text)

    async def hear(self, *kinds: str) -> dict[str, Any]:
        """Return the next message, or the next of these kinds; others in between are lost."""
        while True:
            output = await self._socket.receive_output(PATIENCE)
            assert output["type"] == "websocket.send", output
            message: dict[str, Any] = json.loads(output["text"])
            if not kinds or message["type"] in kinds:
                return message

    async def ended(self) -> int:
        """Return the code with which the server closes the socket, whatever it says before."""
        while True:
            output = await self._socket.receive_output(PATIENCE)
            if output["type"] == "websocket.close":
                return int(output.get("code", 0))

    async def hears_nothing(self) -> bool:
        """Say whether nothing comes for a moment."""
        await asyncio.sleep(0)
        return await self._socket.receive_nothing(timeout=0.2)

    async def watch(self, topic: str, **place: Any) -> dict[str, Any]:
        """Subscribe and return the first message about it."""
        await self.say("sub", topic=topic, **place)
        return await self.hear("snapshot", "denied", "events", "resync")

    async def close(self) -> None:
        """Go away."""
        await self._socket.disconnect()

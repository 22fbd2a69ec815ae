"""The socket of `threadhub.v1`: who may open it, and how it begins and ends."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from threadhub.kernel.streams.wakeups import in_thread

from . import callers, hub, messages
from .connections import Connection
from .messages import Close, Closing

Receive = Callable[[], Awaitable[dict[str, Any]]]
SendMessage = Callable[[dict[str, Any]], Awaitable[None]]


class Consumer:
    """Speaks ASGI for one connection."""

    def __init__(self, scope: Mapping[str, Any], receive: Receive, send: SendMessage) -> None:
        self._headers = callers.headers_of(scope)
        self._offered: list[str] = list(scope.get("subprotocols", ()))
        self._receive = receive
        self._send = send
        self._is_open = False

    async def run(self) -> None:
        """Serve the socket until either side ends it."""
        await self._receive()
        # A page elsewhere must not open a socket with the cookies of whoever looks at it.
        if not callers.key_of(self._headers) and not callers.is_own_origin(self._headers):
            await self._send({"type": "websocket.close", "code": Close.NOT_FOUND})
            return
        caller = await in_thread(callers.identify)(self._headers)
        await self._accept()
        try:
            await self._serve(self._welcome(caller))
        except Closing as closing:
            await self._hang_up(closing.code)

    async def _accept(self) -> None:
        # A browser closes the socket without a code when none of its words are chosen.
        chosen = self._offered[0] if self._offered else None
        if messages.SUBPROTOCOL in self._offered:
            chosen = messages.SUBPROTOCOL
        await self._send({"type": "websocket.accept", "subprotocol": chosen})
        self._is_open = True

    def _welcome(self, caller: callers.Caller | None) -> Connection:
        """Return the connection. Raises Closing."""
        if messages.SUBPROTOCOL not in self._offered:
            raise Closing(Close.OLD_VERSION)
        if caller is None:
            raise Closing(Close.SIGNED_OUT)
        return Connection(caller, send=self._speak, hang_up=self._hang_up)

    async def _serve(self, connection: Connection) -> None:
        sockets = hub.here()
        sockets.admit(connection)
        try:
            while (event := await self._receive())["type"] == "websocket.receive":
                await connection.hear(event.get("text"))
            self._is_open = False
        finally:
            connection.close()
            sockets.dismiss(connection)

    async def _speak(self, text: str) -> None:
        if self._is_open:
            await self._send({"type": "websocket.send", "text": text})

    async def _hang_up(self, code: Close, retry_ms: int | None = None) -> None:
        if not self._is_open:
            return
        await self._speak(messages.message("bye", code=code, retry_ms=retry_ms))
        self._is_open = False
        await self._send({"type": "websocket.close", "code": code.on_wire})


async def stream(scope: Mapping[str, Any], receive: Receive, send: SendMessage) -> None:
    """Serve one socket: the ASGI application of `/ws/v1/stream`."""
    await Consumer(scope, receive, send).run()


async def nowhere(_: Mapping[str, Any], receive: Receive, send: SendMessage) -> None:
    """Refuse a socket at an address that has none."""
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.close", "code": int(Close.NOT_FOUND)})

"""Takes wake-ups to the viewers in other processes, and theirs to the viewers here.

One thread of each process holds the loop that talks to the layer: whoever commits only
leaves a note for it, so that a layer that is slow or away costs a commit nothing. What
gets lost is found by the poll.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import threading
from contextlib import suppress
from typing import Any

from channels.layers import get_channel_layer
from django.conf import settings

from threadhub.kernel.streams import wakeups

PATIENCE_SECONDS = 5.0
RETRY_SECONDS = 1.0

logger = logging.getLogger(__name__)


def group_of(key: wakeups.Key) -> str:
    """Return the layer's name for who watches a stream."""
    return f"stream.{key}"


class Bridge:
    """Keeps one channel in the groups of the streams that somebody here watches."""

    def __init__(self, layer: Any) -> None:
        self._layer = layer
        self._me = secrets.token_hex(8)
        self._loop = asyncio.new_event_loop()
        self._changed = asyncio.Event()
        self._guard = threading.Lock()
        self._changes: set[wakeups.Key] = set()
        self._is_away = False
        self._thread: threading.Thread | None = None

    def announce(self, key: wakeups.Key) -> None:
        """Wake the stream's viewers in other processes, soon; from any thread, never raises."""
        with self._guard:
            self._changes.add(key)
        self.look()

    def look(self) -> None:
        """Let the layer know, soon, what is watched here now; from any thread."""
        with self._guard:
            if self._thread is None:
                # Not before it is needed: most commands never wake anybody.
                self._keeping = self._loop.create_task(self._keep())
                self._thread = threading.Thread(target=self._run, name="wake-ups", daemon=True)
                self._thread.start()
        self._loop.call_soon_threadsafe(self._changed.set)

    def close(self) -> None:
        """Leave the layer for good."""
        if self._thread is not None:
            self._loop.call_soon_threadsafe(self._keeping.cancel)
            self._thread.join()

    def _run(self) -> None:
        with suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._keeping)
        self._loop.close()

    async def _keep(self) -> None:
        try:
            while True:
                try:
                    await self._converse()
                except Exception as error:  # noqa: BLE001  # each layer has its own exceptions
                    self._note_away(error)
                    await asyncio.sleep(RETRY_SECONDS)
        finally:
            await self._layer.flush()

    async def _converse(self) -> None:
        """Talk to the layer until it fails; the first word opens a channel of our own."""
        await self._layer.flush()
        channel = await self._layer.new_channel()
        listening = self._loop.create_task(self._listen(channel))
        listening.add_done_callback(lambda _: self._changed.set())
        joined: set[wakeups.Key] = set()
        try:
            while True:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    joined = await self._join(channel, joined)
                    await self._send()
                self._note_back()
                await self._changed.wait()
                self._changed.clear()
                if listening.done():
                    listening.result()
        finally:
            listening.cancel()

    async def _join(self, channel: str, joined: set[wakeups.Key]) -> set[wakeups.Key]:
        watched = set(wakeups.watched())
        for key in watched - joined:
            await self._layer.group_add(group_of(key), channel)
        for key in joined - watched:
            await self._layer.group_discard(group_of(key), channel)
        return watched

    async def _send(self) -> None:
        with self._guard:
            changes, self._changes = self._changes, set()
        for key in changes:
            message = {"type": "stream.wake", "stream": key, "from": self._me}
            await self._layer.group_send(group_of(key), message)

    async def _listen(self, channel: str) -> None:
        while True:
            message = await self._layer.receive(channel)
            # Our own viewers were woken before the message was sent.
            if message["from"] != self._me:
                wakeups.wake(message["stream"])

    def _note_away(self, error: Exception) -> None:
        if not self._is_away:
            logger.warning("Wake-ups stay in this process, the layer is away: %s", error)
        self._is_away = True

    def _note_back(self) -> None:
        if self._is_away:
            logger.warning("Wake-ups reach other processes again.")
        self._is_away = False


def connect() -> None:
    """Take wake-ups through the layer that the settings name, if they name one."""
    if settings.WAKE_LAYER:
        wakeups.carry_by(Bridge(get_channel_layer(settings.WAKE_LAYER)))

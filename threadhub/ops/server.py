"""Daphne in this process, with a worker beside it and an orderly end."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Any

from daphne.server import Server as Daphne
from twisted.internet import reactor
from twisted.internet.threads import deferToThread

from threadhub.kernel.realtime import hub
from threadhub.kernel.realtime.messages import LARGEST_HEARD, LARGEST_SENT

HTTP_TIMEOUT_SECONDS = 24 * 3600
HANDSHAKE_SECONDS = 30


class Server:
    """Serves HTTP and sockets until the process is told to stop."""

    def __init__(self, application: Any, *, endpoints: list[str]) -> None:
        self._ready: Callable[[], None] | None = None
        self._daphne = Daphne(
            application,
            endpoints=endpoints,
            http_timeout=HTTP_TIMEOUT_SECONDS,
            # Bounds what is sent, too; what comes in is bounded by frame, and by the consumer.
            websocket_max_message_size=2 * LARGEST_SENT,
            websocket_max_frame_size=LARGEST_HEARD,
            # A thousand sockets that come back at once wait for each other.
            websocket_handshake_timeout=HANDSHAKE_SECONDS,
            server_name="ThreadHub",
            ready_callable=self._listening,
        )
        self.before_end(hub.say_goodbye)

    def on_ready(self, ready: Callable[[], None]) -> None:
        """Call the function, in a thread, as soon as requests are answered."""
        self._ready = ready

    def before_end(self, stop: Callable[[], None]) -> None:
        """Call the function, in a thread, before the server ends."""
        # Twisted's stubs describe the callable where the phase stands.
        reactor.addSystemEventTrigger("before", "shutdown", deferToThread, stop)  # type: ignore[arg-type]

    def run(self) -> None:
        """Serve until stopped."""
        self._daphne.run()

    def _listening(self) -> None:
        if self._ready is not None:
            reactor.callWhenRunning(
                lambda: threading.Thread(target=self._ready, name="announce").start()
            )


def endpoints(host: str, port: int) -> list[str]:
    """Return what to listen on, in Twisted's words."""
    quoted = host.replace(":", r"\:")
    kind = "tcp6" if ":" in host else "tcp"
    found = [f"{kind}:port={port}:interface={quoted}"]
    if host == "127.0.0.1" and _has_ipv6_loopback(port):
        # Browsers resolve localhost to ::1 first.
        found.append(rf"tcp6:port={port}:interface=\:\:1")
    return found


def _has_ipv6_loopback(port: int) -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("::1", port))
    except OSError:
        return False
    return True

"""A wire between a browser and the server, which a test may cut."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading

# Closes with a reset, as a wire that is pulled out looks from behind a router.
RESET = struct.pack("ii", 1, 0)


class Proxy:
    """Hands bytes on in both directions; `cut` ends what is open, `is_down` refuses what comes."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        self.is_down = False
        self.cuts = 0
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def origin(self) -> str:
        """Return the address to look at the server through this wire."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def cut(self) -> None:
        """End every connection that is open now, in the middle of whatever it says."""
        with self._guard:
            ended, self._open = self._open, set()
        self.cuts += 1
        for one in ended:
            _reset(one)

    def close(self) -> None:
        """End everything."""
        self.is_down = True
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._join, args=(near,), daemon=True).start()

    def _join(self, near: socket.socket) -> None:
        try:
            if self.is_down:
                raise ConnectionRefusedError
            far = socket.create_connection(("127.0.0.1", self._target))
        except OSError:
            _reset(near)
            return
        with self._guard:
            self._open |= {near, far}
        threading.Thread(target=self._hand_on, args=(near, far), daemon=True).start()
        self._hand_on(far, near)

    def _hand_on(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
            return
        for one in (source, sink):
            _reset(one)


def _reset(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    # Wakes the thread that reads it, which `close` alone does not.
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()

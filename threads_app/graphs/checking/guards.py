"""What a graph's module may not do while it is tried: dial out, fork, eat the memory."""

from __future__ import annotations

import contextlib
import ctypes
import math
import os
import resource
import signal
import sys
from ipaddress import ip_address
from typing import Any

from threads_app.graphs.failures import Refused

_NAMES = frozenset({"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"})
_ADDRESSES = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_FORKS = frozenset({"os.fork", "os.forkpty"})
_KILLS = frozenset({"os.kill", "os.killpg"})
_LOCAL = frozenset({"", "localhost", "localhost.localdomain", "ip6-localhost"})
_DIE_WITH_PARENT = 1
_NETWORK = "move that into a node, or set THREADHUB_CHECK_NETWORK=yes if it is meant to"
_SIGNAL = "remove that, because it would hit the server"
_FORK = "use a node or a subprocess, because a copy of the server would go on running"


class Guard:
    """Refuses by audit hook, which stays for the rest of the process, and remembers what."""

    def __init__(self, *, is_network_allowed: bool) -> None:
        self._is_network_allowed = is_network_allowed
        self.dialed: list[str] = []
        self.forks = 0
        # Everybody, the warden, and the warden's group.
        self._foreign = {-1, os.getppid(), os.getpgid(os.getppid())}

    def install(self) -> None:
        """Watch this process from now on."""
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in _FORKS:
            self.forks += 1
            raise fork_refusal()
        if event in _KILLS and arguments[0] in self._foreign:
            raise Refused("signals another process", code="signals_others", remedy=_SIGNAL)
        if event in _NAMES:
            self._check(arguments[0])
        elif event in _ADDRESSES and isinstance(arguments[1], tuple) and arguments[1]:
            self._check(arguments[1][0])

    def _check(self, host: Any) -> None:
        name = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host or "")
        if is_local(name):
            return
        if name not in self.dialed:
            self.dialed.append(name[:255])
        if not self._is_network_allowed:
            raise Refused(f"connects to {name[:255]}", code="dials_out", remedy=_NETWORK)


def fork_refusal() -> Refused:
    """Return what a module hears that forks."""
    return Refused("forks the process", code="forks", remedy=_FORK)


def is_local(host: str) -> bool:
    """Return whether a host is this machine."""
    if host.lower() in _LOCAL:
        return True
    try:
        return ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def limit_process(*, memory: int, seconds: float) -> None:
    """Bound this process's memory in bytes, and its life even when its parent is gone."""
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    signal.alarm(math.ceil(seconds) + 10)

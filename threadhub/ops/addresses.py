"""Where a server listens, and what people type to reach it."""

from __future__ import annotations

import socket
from ipaddress import ip_address

from threadhub.kernel.errors import Invalid


def is_loopback(host: str) -> bool:
    """Say whether only this machine can reach the host."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def address_of(host: str, port: int) -> str:
    """Return the address to open in a browser."""
    shown = {"0.0.0.0": socket.gethostname(), "::": socket.gethostname()}.get(host, host)  # noqa: S104  # compared
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"


def refuse_taken(host: str, port: int) -> None:
    """Raise Invalid when the address cannot be listened on."""
    listening(host, port).close()


def listening(host: str, port: int) -> socket.socket:
    """Return a bound socket. Raises Invalid when the address cannot be listened on."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Invalid(f"HOST={host} is no address of this machine.") from None
    family, kind, protocol, _, target = found[0]
    bound = socket.socket(family, kind, protocol)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(target)
    except OSError as error:
        bound.close()
        raise Invalid(
            f"Port {port} on {host} cannot be used ({error.strerror}). "
            f"Stop what listens there, or choose another: make run PORT={port + 1}."
        ) from None
    return bound

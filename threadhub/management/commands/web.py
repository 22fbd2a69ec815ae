"""Serve the API and the console; runs are executed by workers."""

from __future__ import annotations

import os
import socket
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.db import connection

from threadhub.celery import app
from threadhub.management.process import ProcessCommand
from threadhub.ops import addresses, broker, preparing


class Command(ProcessCommand):
    """manage.py web: one of any number of web processes of a cluster."""

    help = "Serve the API and the console of a cluster."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take an address of its own, or a socket that several processes share."""
        parser.add_argument("--host", default=settings.HOST)
        parser.add_argument("--port", type=int, default=settings.PORT)
        parser.add_argument("--fd", type=int, help="a listening socket handed down by the parent")

    def handle(self, *, host: str, port: int, fd: int | None, **_: Any) -> None:
        """Serve until stopped."""
        if fd is None:
            addresses.refuse_taken(host, port)
        else:
            host, port = address_of_socket(fd)
        self.join_cluster()
        preparing.require_own_password(host)
        broker.announce(app, say=self.say)
        # Installs Twisted's reactor, so it is imported in the process that serves only.
        from threadhub.asgi import application  # noqa: PLC0415
        from threadhub.ops.server import Server, endpoints  # noqa: PLC0415

        listening = [f"fd:fileno={fd}"] if fd is not None else endpoints(host, port)
        server = Server(application, endpoints=listening)
        server.on_ready(
            lambda: self.say(f"Web process {os.getpid()}: {addresses.address_of(host, port)}")
        )
        connection.close()
        server.run()
        self.end()


def address_of_socket(fd: int) -> tuple[str, int]:
    """Return where an inherited socket listens."""
    with socket.socket(fileno=os.dup(fd)) as inherited:
        host, port = inherited.getsockname()[:2]
    return host, port

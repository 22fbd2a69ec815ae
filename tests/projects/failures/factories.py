"""Functions that should make a graph, and do not."""

from __future__ import annotations

import asyncio
import itertools
import os
import socket
import threading
from typing import Any

from good import builder

_count = itertools.count()


def raising() -> Any:
    raise LookupError("no tools configured")


async def hanging() -> Any:
    await asyncio.Event().wait()


async def blocking() -> Any:
    threading.Event().wait()


def returning() -> Any:
    return {"nodes": []}


def changing() -> Any:
    return builder().add_node(f"node {next(_count)}", lambda s: s).compile()


def exiting() -> Any:
    os._exit(3)


def dialing() -> Any:
    socket.create_connection(("tools.example.com", 443), timeout=2)


def wanting(settings: dict[str, Any], registry: object) -> Any:
    return builder().compile()


def good() -> Any:
    return builder().compile()

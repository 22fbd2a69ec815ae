"""The broker of this installation: does it answer, and what waits in it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from threadhub.ops import waiting

if TYPE_CHECKING:
    from celery import Celery
    from kombu import Connection

NAMES = {"redis": "Redis", "py-amqp": "RabbitMQ"}


def announce(app: Celery, *, say: Callable[[str], None]) -> None:
    """Say when the broker is away and when it is back; returns at once, since work goes on."""
    with app.connection_for_write() as connection:
        name = connection.transport.driver_name
        place = connection.as_uri()
    service = waiting.Service(NAMES.get(name, name), place, lambda: _ask(app))
    threading.Thread(
        target=waiting.wait, args=(service,), kwargs={"say": say}, name="broker-wait", daemon=True
    ).start()


def _ask(app: Celery) -> str:
    try:
        queued(app, ())
    except Exception as error:  # noqa: BLE001  # each transport has exceptions of its own
        return " ".join(str(error).split())
    return ""


def queued(app: Celery, queues: tuple[str, ...]) -> int:
    """Return how many messages wait in the queues; raises when the broker is away."""
    with app.connection_for_write() as connection:
        # Connecting this way asks once; `connect` would try again and again.
        _ = connection.default_channel
        return sum(_length(connection, queue) for queue in queues)


def _length(connection: Connection, queue: str) -> int:
    try:
        with connection.channel() as channel:
            return int(channel.queue_declare(queue, passive=True).message_count)
    except connection.channel_errors:
        # Redis forgets a list that is empty.
        return 0
